"""An old script of our own: a DCGAN as the model_fn of an Estimator, and the same by GANEstimator.

Run by test_legacy_estimator.py under `python -m legacy run`.
"""
import argparse

import numpy as np
import tensorflow as tf
import tensorflow.contrib.gan as tfgan

tf.logging.set_verbosity(tf.logging.INFO)
parser = argparse.ArgumentParser()
parser.add_argument('--model_dir', default='model')
parser.add_argument('--steps', type=int, default=6)


def generator(z, training):
    with tf.variable_scope('generator', reuse=tf.AUTO_REUSE):
        h = tf.layers.dense(z, 3 * 3 * 8, use_bias=False)
        h = tf.nn.relu(tf.layers.batch_normalization(h, training=training))
        h = tf.layers.conv2d_transpose(tf.reshape(h, [-1, 3, 3, 8]), 4, 5, 2, 'same', activation=tf.nn.relu)
        return tf.layers.conv2d_transpose(h, 1, 5, 1, 'same', activation=tf.tanh)


def discriminator(x):
    with tf.variable_scope('discriminator', reuse=tf.AUTO_REUSE):
        h = tf.nn.leaky_relu(tf.layers.conv2d(x, 8, 5, 2, 'same'))
        return tf.layers.dense(tf.layers.flatten(h), 1)


def model_fn(features, labels, mode, params):
    training = mode == tf.estimator.ModeKeys.TRAIN
    fake = generator(features['z'], training)
    if mode == tf.estimator.ModeKeys.PREDICT:
        return tf.estimator.EstimatorSpec(mode, predictions={'image': fake, 'z': features['z']})
    real_logits, fake_logits = discriminator(features['x']), discriminator(fake)
    cross_entropy = tf.losses.sigmoid_cross_entropy
    d_loss = (cross_entropy(tf.ones_like(real_logits), real_logits)
              + cross_entropy(tf.zeros_like(fake_logits), fake_logits))
    g_loss = cross_entropy(tf.ones_like(fake_logits), fake_logits)
    metrics = {'real_seen': tf.metrics.mean(tf.to_float(real_logits > 0)), 'g_loss': tf.metrics.mean(g_loss)}
    if mode == tf.estimator.ModeKeys.EVAL:
        return tf.estimator.EstimatorSpec(mode, loss=d_loss, eval_metric_ops=metrics)
    optimizer = tf.train.AdamOptimizer(params['learning_rate'], beta1=0.5)
    with tf.control_dependencies(tf.get_collection(tf.GraphKeys.UPDATE_OPS)):
        train_op = tf.group(
            optimizer.minimize(d_loss, var_list=tf.trainable_variables('discriminator')),
            optimizer.minimize(g_loss, tf.train.get_global_step(), tf.trainable_variables('generator')))
    return tf.estimator.EstimatorSpec(mode, loss=d_loss, train_op=train_op)


class CountHook(tf.estimator.SessionRunHook):
    calls = 0

    def after_run(self, run_context, run_values):
        CountHook.calls += 1


def main(args):
    rng = np.random.RandomState(0)
    x = rng.rand(40, 6, 6, 1).astype('float32')
    z = rng.randn(40, 4).astype('float32')
    train_input_fn = tf.estimator.inputs.numpy_input_fn({'x': x, 'z': z}, batch_size=8, num_epochs=None,
                                                        shuffle=True)
    eval_input_fn = tf.estimator.inputs.numpy_input_fn({'x': x, 'z': z}, batch_size=16, shuffle=False)
    config = tf.estimator.RunConfig(save_checkpoints_steps=4, save_summary_steps=2, tf_random_seed=1)
    dcgan = tf.estimator.Estimator(model_fn, args.model_dir, config, params={'learning_rate': 2e-4})
    dcgan.train(train_input_fn, hooks=[CountHook()], steps=args.steps)
    print('hook called', CountHook.calls)
    print('evaluated', dcgan.evaluate(eval_input_fn)['global_step'])
    predicted = list(dcgan.predict(eval_input_fn, predict_keys=['image', 'z']))
    print('predicted', len(predicted), predicted[0]['image'].shape,
          np.allclose([p['z'] for p in predicted], z))
    print('variables', [name for name in dcgan.get_variable_names() if 'Adam' not in name and '/' in name])
    results, _ = tf.estimator.train_and_evaluate(
        dcgan, tf.estimator.TrainSpec(train_input_fn, max_steps=args.steps + 4),
        tf.estimator.EvalSpec(eval_input_fn, steps=2, throttle_secs=0))
    print('trained and evaluated', results['global_step'])

    gan = tfgan.estimator.GANEstimator(
        args.model_dir + '_tfgan', generator_fn=lambda z, mode: generator(z, mode == 'train'),
        discriminator_fn=lambda x, z: discriminator(x),
        generator_loss_fn=tfgan.losses.modified_generator_loss,
        discriminator_loss_fn=tfgan.losses.modified_discriminator_loss,
        generator_optimizer=tf.train.AdamOptimizer(1e-3, 0.5),
        discriminator_optimizer=lambda: tf.train.AdamOptimizer(1e-4, 0.5),
        add_summaries=tfgan.estimator.SummaryType.VARIABLES)

    def pairs():
        return tf.data.Dataset.from_tensor_slices((z, x)).repeat().batch(8)

    gan.train(pairs, max_steps=3)
    print('tfgan', sorted(gan.evaluate(pairs, steps=2)))
    images = next(gan.predict(lambda: tf.constant(z)))
    print('tfgan image', images.shape, gan.latest_checkpoint())


if __name__ == '__main__':
    main(parser.parse_args())
