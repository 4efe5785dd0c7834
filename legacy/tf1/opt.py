"""tf.contrib.opt: the optimisers GAN scripts took from it, on tf.train.Optimizer."""
import sys

import numpy
import tensorflow.compat.v1 as tf


class NadamOptimizer(tf.train.AdamOptimizer):
    """Adam with Nesterov momentum (Dozat 2016), contrib's one-step form."""

    def _apply_dense(self, grad, var):
        return self._step(grad, var)

    def _resource_apply_dense(self, grad, var):
        return self._step(grad, var)

    def _step(self, grad, var):
        m, v = self.get_slot(var, 'm'), self.get_slot(var, 'v')
        beta1, beta2 = [tf.cast(t, grad.dtype) for t in (self._beta1_t, self._beta2_t)]
        power1, power2 = [tf.cast(p, grad.dtype) for p in self._get_beta_accumulators()]
        m_t = tf.assign(m, beta1 * m + (1 - beta1) * grad)
        v_t = tf.assign(v, beta2 * v + (1 - beta2) * tf.square(grad))
        rate = tf.cast(self._lr_t, grad.dtype) * tf.sqrt(1 - power2) / (1 - power1)
        update = rate * (beta1 * m_t + (1 - beta1) * grad) / (tf.sqrt(v_t) + tf.cast(self._epsilon_t,
                                                                                     grad.dtype))
        return tf.assign_sub(var, update)


class AdaMaxOptimizer(tf.train.AdamOptimizer):
    """Adam with the infinity norm (Kingma and Ba 2014, section 7.1)."""

    def _apply_dense(self, grad, var):
        m, v = self.get_slot(var, 'm'), self.get_slot(var, 'v')
        beta1, beta2 = [tf.cast(t, grad.dtype) for t in (self._beta1_t, self._beta2_t)]
        power1 = tf.cast(self._get_beta_accumulators()[0], grad.dtype)
        m_t = tf.assign(m, beta1 * m + (1 - beta1) * grad)
        v_t = tf.assign(v, tf.maximum(beta2 * v, tf.abs(grad)))
        rate = tf.cast(self._lr_t, grad.dtype) / (1 - power1)
        return tf.assign_sub(var, rate * m_t / (v_t + tf.cast(self._epsilon_t, grad.dtype)))

    _resource_apply_dense = _apply_dense


class AdamWOptimizer(tf.train.AdamOptimizer):
    """Adam with decoupled weight decay (Loshchilov and Hutter 2017)."""

    def __init__(self, weight_decay, learning_rate=0.001, *args, **kwargs):
        super().__init__(learning_rate, *args, **kwargs)
        self._weight_decay = weight_decay

    def apply_gradients(self, grads_and_vars, global_step=None, name=None, decay_var_list=None):
        grads_and_vars = list(grads_and_vars)
        decayed = [tf.assign_sub(v, self._weight_decay * v) for g, v in grads_and_vars if g is not None]
        with tf.control_dependencies(decayed):
            return super().apply_gradients(grads_and_vars, global_step, name)


class _Around(tf.train.Optimizer):
    """An optimiser that does something after each step of another."""

    def __init__(self, opt, name):
        super().__init__(False, name)
        self._opt = opt

    def compute_gradients(self, *args, **kwargs):
        return self._opt.compute_gradients(*args, **kwargs)

    def get_slot(self, var, name):
        return self._opt.get_slot(var, name)

    def get_slot_names(self):
        return self._opt.get_slot_names()

    def variables(self):
        return self._opt.variables()


class MovingAverageOptimizer(_Around):
    """Averages of what is trained; `swapping_saver` writes them in the variables' place."""

    def __init__(self, opt, average_decay=0.9999, num_updates=None, sequential_update=True):
        super().__init__(opt, 'MovingAverage')
        self._ema = tf.train.ExponentialMovingAverage(average_decay, num_updates=num_updates)
        self._sequential, self._swapped = sequential_update, None

    def apply_gradients(self, grads_and_vars, global_step=None, name=None):
        grads_and_vars = list(grads_and_vars)
        train = self._opt.apply_gradients(grads_and_vars, global_step=global_step, name=name)
        trained = [variable for gradient, variable in grads_and_vars if gradient is not None]
        with tf.control_dependencies([train] if self._sequential else []):
            averages = self._ema.apply(trained)
        self._swapped = {variable.op.name: self._ema.average(variable) for variable in trained}
        return tf.group(train, averages, name='train_with_avg')

    def swapping_saver(self, var_list=None, name='swapping_saver', **kwargs):
        """A Saver that keeps averages under the names of the variables and the other way round."""
        if self._swapped is None:
            raise RuntimeError('Must call apply_gradients or minimize before creating the swapping_saver')
        named = {variable.op.name: variable for variable in var_list or tf.global_variables()}
        for variable, average in self._swapped.items():
            if variable in named and average.op.name in named:
                named[variable], named[average.op.name] = named[average.op.name], named[variable]
        return tf.train.Saver(named, name=name, **kwargs)


class VariableClippingOptimizer(_Around):
    """Variables cut to a norm after each step; `vars_to_clip_dims` is {variable: axes of the norm}."""

    def __init__(self, opt, vars_to_clip_dims, max_norm, use_locking=False, colocate_clip_ops_with_vars=False,
                 name='VariableClipping'):
        super().__init__(opt, name)
        self._axes = {variable.op.name: (variable, axes) for variable, axes in vars_to_clip_dims.items()}
        self._norm = max_norm

    def apply_gradients(self, grads_and_vars, global_step=None, name=None):
        update = self._opt.apply_gradients(grads_and_vars, global_step=global_step)
        with tf.control_dependencies([update]):
            clipped = [tf.assign(variable, tf.clip_by_norm(variable.read_value(), self._norm, axes=axes))
                       for variable, axes in self._axes.values()]
        return tf.group(update, *clipped, name=name or 'clipped')


class MultitaskOptimizerWrapper:
    """Passes everything to the wrapped optimiser."""

    def __init__(self, opt):
        self._opt = opt

    def __getattr__(self, name):
        return getattr(self._opt, name)


class ScipyOptimizerInterface:
    """Minimises a loss with scipy.optimize.minimize, variables packed in one vector."""

    def __init__(self, loss, var_list=None, equalities=None, inequalities=None, var_to_bounds=None,
                 method='L-BFGS-B', options=None):
        if equalities or inequalities:
            raise NotImplementedError('ScipyOptimizerInterface: constraints are not restored')
        self.loss, self.method, self.options = loss, method, options or {}
        self.vars = list(tf.trainable_variables() if var_list is None else var_list)
        self.grads = [g if g is not None else tf.zeros_like(v) for g, v in zip(tf.gradients(loss, self.vars),
                                                                               self.vars)]
        self.feeds = [tf.placeholder(v.dtype.base_dtype, v.shape) for v in self.vars]
        self.assign = tf.group(*[tf.assign(v, f) for v, f in zip(self.vars, self.feeds)])
        self.bounds = var_to_bounds or {}

    def minimize(self, session=None, feed_dict=None, fetches=None, step_callback=None, loss_callback=None,
                 **run_kwargs):
        from scipy import optimize
        session, feed_dict = session or tf.get_default_session(), feed_dict or {}
        shapes = [v.shape.as_list() for v in self.vars]
        cuts = numpy.cumsum([int(numpy.prod(s)) for s in shapes])[:-1]

        def put(x):
            parts = [p.reshape(s) for p, s in zip(numpy.split(x, cuts), shapes)]
            session.run(self.assign, dict(zip(self.feeds, parts)))

        def value(x):
            put(x)
            loss, grads, extra = session.run([self.loss, self.grads, fetches or []], feed_dict)
            if loss_callback is not None:
                loss_callback(*extra)
            return float(loss), numpy.concatenate([numpy.ravel(g) for g in grads]).astype(float)

        start = numpy.concatenate([numpy.ravel(v) for v in session.run(self.vars)]).astype(float)
        bounds = None
        if self.bounds:
            bounds = [b for v, s in zip(self.vars, shapes) for b in numpy.broadcast_to(numpy.stack(
                        numpy.broadcast_arrays(*self.bounds.get(v, (-numpy.inf, numpy.inf))), -1), s + [
                        2]).reshape(-1, 2)]
        options = {k: v for k, v in self.options.items()}
        put(optimize.minimize(value, start, jac=True, method=self.method, bounds=bounds, options=options,
                              callback=step_callback).x)


LazyAdamOptimizer = tf.train.AdamOptimizer
MODULE = sys.modules[__name__]


def __getattr__(name):
    if name.startswith('__'):
        raise AttributeError(name)
    from legacy.absent import stub
    return stub.module('tf.contrib.opt.' + name)
