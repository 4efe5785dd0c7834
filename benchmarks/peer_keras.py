"""The training steps of mnist and mnist_keras as TensorFlow 2's guides write them, tf.function over Keras layers, for peers.py.

Written to run well: G(z) is computed once where two updates share it. Thread pools are those that TensorFlow chooses. Each
builder takes the batch size and returns a function that makes one step and fetches its losses.
"""
import keras
import tensorflow as tf
from keras import layers

CROSS_ENTROPY = keras.losses.BinaryCrossentropy(from_logits=True)


def mnist(batch):
    """Conditional DCGAN: the label joins every layer's input; D once, G twice, all on one z."""
    generator, discriminator = _conditional_generator(), _conditional_discriminator()
    g_adam, d_adam = keras.optimizers.Adam(2e-4, 0.5), keras.optimizers.Adam(2e-4, 0.5)
    images = tf.random.uniform([batch, 28, 28, 1])
    labels = tf.one_hot(tf.range(batch) % 10, 10)

    @tf.function
    def train_step(real, y):
        z = tf.random.uniform([batch, 100], -1, 1)
        with tf.GradientTape() as g_tape:
            fake = generator([z, y], training=True)
            with g_tape.stop_recording():
                with tf.GradientTape() as d_tape:
                    d_loss = _d_loss(discriminator([real, y], training=True), discriminator([fake, y], training=True))
                _update(d_adam, d_tape, d_loss, discriminator)
            g_loss = _g_loss(discriminator([fake, y], training=True))
        _update(g_adam, g_tape, g_loss, generator)
        with tf.GradientTape() as g_tape:
            g_loss = _g_loss(discriminator([generator([z, y], training=True), y], training=True))
        _update(g_adam, g_tape, g_loss, generator)
        return d_loss, g_loss
    return lambda: [loss.numpy() for loss in train_step(images, labels)]


def mnist_keras(batch):
    """DCGAN of mnistGANs: G on twice the batch, D in inference mode; then D on the real images and half of those; one Adam."""
    generator = keras.Sequential([
        layers.Input([100]),
        layers.Dense(7 * 7 * 128), FrozenStatistics(), layers.ReLU(), layers.Reshape([7, 7, 128]),
        layers.Conv2DTranspose(64, 4, 2, padding='same'), FrozenStatistics(), layers.ReLU(),
        layers.Conv2DTranspose(32, 4, 2, padding='same'), FrozenStatistics(), layers.ReLU(),
        layers.Conv2D(1, 4, padding='same', activation='tanh')])
    discriminator = keras.Sequential([
        layers.Input([28, 28, 1]),
        layers.Conv2D(64, 4, 2, padding='same'), FrozenStatistics(), layers.LeakyReLU(0.3), layers.Dropout(0.3),
        layers.Conv2D(128, 4, 2, padding='same'), FrozenStatistics(), layers.LeakyReLU(0.3), layers.Dropout(0.3),
        layers.Flatten(), layers.Dense(1)])
    adam = keras.optimizers.Adam(2e-4, 0.5)
    adam.build(generator.trainable_variables + discriminator.trainable_variables)
    images = tf.random.uniform([batch, 28, 28, 1], -1, 1)

    @tf.function
    def train_step(real):
        with tf.GradientTape() as g_tape:
            fake = generator(tf.random.normal([2 * batch, 100]), training=True)
            g_loss = _g_loss(discriminator(fake, training=False))
        _update(adam, g_tape, g_loss, generator)
        with tf.GradientTape() as d_tape:
            real_logits, fake_logits = tf.split(discriminator(tf.concat([real, fake[:batch]], 0), training=True), 2)
            d_loss = 0.5 * _d_loss(real_logits, fake_logits)
        _update(adam, d_tape, d_loss, discriminator)
        return d_loss, g_loss
    return lambda: [loss.numpy() for loss in train_step(images)]


def _conditional_generator():
    z, y = layers.Input([100]), layers.Input([10])
    h = layers.Dense(1024)(layers.Concatenate()([z, y]))
    h = layers.Dense(7 * 7 * 128)(layers.Concatenate()([layers.ReLU()(_batch_norm(h)), y]))
    h = layers.Reshape([7, 7, 128])(layers.ReLU()(_batch_norm(h)))
    h = layers.Conv2DTranspose(128, 5, 2, padding='same')(_with_label_maps(h, y))
    h = _with_label_maps(layers.ReLU()(_batch_norm(h)), y)
    return keras.Model([z, y], layers.Conv2DTranspose(1, 5, 2, padding='same', activation='sigmoid')(h))


def _conditional_discriminator():
    x, y = layers.Input([28, 28, 1]), layers.Input([10])
    h = layers.LeakyReLU(0.2)(layers.Conv2D(11, 5, 2, padding='same')(_with_label_maps(x, y)))
    h = layers.Conv2D(74, 5, 2, padding='same')(_with_label_maps(h, y))
    h = layers.Flatten()(layers.LeakyReLU(0.2)(_batch_norm(h)))
    h = layers.LeakyReLU(0.2)(_batch_norm(layers.Dense(1024)(layers.Concatenate()([h, y]))))
    return keras.Model([x, y], layers.Dense(1)(layers.Concatenate()([h, y])))


def _batch_norm(h):
    return layers.BatchNormalization(momentum=0.9, epsilon=1e-5)(h)


def _with_label_maps(h, y):
    """[B,H,W,C] and [B,K] -> [B,H,W,C+K]."""
    _, height, width, _ = h.shape
    return layers.Concatenate()([h, layers.Reshape([height, width, 10])(layers.RepeatVector(height * width)(y))])


class FrozenStatistics(layers.BatchNormalization):
    """Batch norm by the moving averages even in training, as mnistGANs runs it: only gamma and beta learn."""

    def call(self, inputs, training=None, mask=None):
        return super().call(inputs, training=False, mask=mask)


def _d_loss(real_logits, fake_logits):
    return CROSS_ENTROPY(tf.ones_like(real_logits), real_logits) + CROSS_ENTROPY(tf.zeros_like(fake_logits), fake_logits)


def _g_loss(fake_logits):
    return CROSS_ENTROPY(tf.ones_like(fake_logits), fake_logits)


def _update(adam, tape, loss, network):
    variables = network.trainable_variables
    adam.apply_gradients(zip(tape.gradient(loss, variables), variables))


STEPS = {'mnist': mnist, 'mnist_keras': mnist_keras}
