"""keras.optimizers of Keras 1 and 2, by their `get_updates`: the assignments of one step, for graphs that
are built on from them.
"""
import tensorflow.compat.v1 as tf


class Optimizer:
    """`clipnorm` bounds the norm of all gradients together, `clipvalue` each number."""

    def __init__(self, lr, decay=0.0, clipnorm=None, clipvalue=None, learning_rate=None):
        self.clipnorm, self.clipvalue, self.initial_decay = clipnorm, clipvalue, decay
        with tf.variable_scope(None, type(self).__name__):
            self.iterations = self._variable(0.0, 'iterations')
            self.lr = self._variable(lr if learning_rate is None else learning_rate, 'lr')
        self.updates, self.weights = [], []

    @staticmethod
    def _variable(value, name):
        return tf.Variable(value, dtype=tf.float32, name=name, trainable=False)

    def get_gradients(self, loss, params):
        grads = tf.gradients(loss, params)
        if any(g is None for g in grads):
            raise ValueError('An operation has `None` for gradient.')
        if self.clipnorm:
            grads, _ = tf.clip_by_global_norm(grads, self.clipnorm)
        if self.clipvalue:
            grads = [tf.clip_by_value(g, -self.clipvalue, self.clipvalue) for g in grads]
        return grads

    def _slots(self, params, name):
        slots = [tf.Variable(tf.zeros(p.shape, p.dtype.base_dtype), name=f'{p.op.name}_{name}',
                             trainable=False) for p in params]
        self.weights += slots
        return slots

    def get_updates(self, *args, loss=None, params=None, constraints=None):
        """The assignments of one step: (loss, params) or, before Keras 2.0.7, (params, constraints, loss)."""
        if len(args) == 3:
            params, constraints, loss = args
        elif args:
            first = args[0]
            loss, params = (first, args[1] if len(args) > 1 else params) if params is not None or len(
                args) > 1 else (loss, first)
        rate = self.lr
        self.updates = [tf.assign_add(self.iterations, 1.0)]
        if self.initial_decay:
            rate = rate / (1.0 + self.initial_decay * self.iterations)
        for param, new in self.steps(params, self.get_gradients(loss, params), rate):
            constraint = (constraints or {}).get(param) if hasattr(constraints or {}, 'get') else None
            self.updates.append(tf.assign(param, constraint(new) if constraint else new))
        return self.updates


class SGD(Optimizer):

    def __init__(self, lr=0.01, momentum=0.0, decay=0.0, nesterov=False, **more):
        super().__init__(lr, decay, **more)
        self.momentum, self.nesterov = momentum, nesterov

    def steps(self, params, grads, rate):
        for p, g, m in zip(params, grads, self._slots(params, 'momentum')):
            v = self.momentum * m - rate * g
            self.updates.append(tf.assign(m, v))
            yield p, p + self.momentum * v - rate * g if self.nesterov else p + v


class RMSprop(Optimizer):

    def __init__(self, lr=0.001, rho=0.9, epsilon=1e-8, decay=0.0, **more):
        super().__init__(lr, decay, **more)
        self.rho, self.epsilon = rho, epsilon or 1e-7

    def steps(self, params, grads, rate):
        for p, g, a in zip(params, grads, self._slots(params, 'rms')):
            new = self.rho * a + (1.0 - self.rho) * tf.square(g)
            self.updates.append(tf.assign(a, new))
            yield p, p - rate * g / (tf.sqrt(new) + self.epsilon)


class Adam(Optimizer):

    def __init__(self, lr=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-8, decay=0.0, **more):
        super().__init__(lr, decay, **more)
        self.beta_1, self.beta_2, self.epsilon = beta_1, beta_2, epsilon or 1e-7

    def steps(self, params, grads, rate):
        t = self.iterations + 1.0
        rate = rate * tf.sqrt(1.0 - tf.pow(self.beta_2, t)) / (1.0 - tf.pow(self.beta_1, t))
        for p, g, m, v in zip(params, grads, self._slots(params, 'm'), self._slots(params, 'v')):
            mean = self.beta_1 * m + (1.0 - self.beta_1) * g
            square = self.beta_2 * v + (1.0 - self.beta_2) * tf.square(g)
            self.updates += [tf.assign(m, mean), tf.assign(v, square)]
            yield p, p - rate * mean / (tf.sqrt(square) + self.epsilon)
