"""The tuples that tf.contrib.gan passes around; fields in the order of
tensorflow/contrib/gan/python/namedtuples.py.
"""
import collections

_GAN = (
    'generator_inputs', 'generated_data', 'generator_variables', 'generator_scope', 'generator_fn',
    'real_data', 'discriminator_real_outputs', 'discriminator_gen_outputs', 'discriminator_variables',
    'discriminator_scope', 'discriminator_fn',
)
GANModel = collections.namedtuple('GANModel', _GAN)
InfoGANModel = collections.namedtuple('InfoGANModel', _GAN + (
    'structured_generator_inputs', 'predicted_distributions', 'discriminator_and_aux_fn'))
ACGANModel = collections.namedtuple('ACGANModel', _GAN + (
    'one_hot_labels', 'discriminator_real_classification_logits', 'discriminator_gen_classification_logits'))
CycleGANModel = collections.namedtuple('CycleGANModel', (
    'model_x2y', 'model_y2x', 'reconstructed_x', 'reconstructed_y'))
# "predication" is how TensorFlow spelt it
StarGANModel = collections.namedtuple('StarGANModel', (
    'input_data', 'input_data_domain_label', 'generated_data', 'generated_data_domain_target',
    'reconstructed_data', 'discriminator_input_data_source_predication',
    'discriminator_generated_data_source_predication', 'discriminator_input_data_domain_predication',
    'discriminator_generated_data_domain_predication', 'generator_variables', 'generator_scope',
    'generator_fn', 'discriminator_variables', 'discriminator_scope', 'discriminator_fn',
))
GANLoss = collections.namedtuple('GANLoss', ('generator_loss', 'discriminator_loss'))
CycleGANLoss = collections.namedtuple('CycleGANLoss', ('loss_x2y', 'loss_y2x'))
GANTrainOps = collections.namedtuple('GANTrainOps', (
    'generator_train_op', 'discriminator_train_op', 'global_step_inc_op', 'train_hooks'), defaults=((),))
GANTrainSteps = collections.namedtuple('GANTrainSteps', (
    'generator_train_steps', 'discriminator_train_steps'))
