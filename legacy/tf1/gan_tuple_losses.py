"""tf.contrib.gan.losses: the losses of gan_losses.py, called with a GANModel in the place of its tensors.

After tensorflow/contrib/gan/python/losses/python/tuple_losses_impl.py of TensorFlow 1.15.
"""
import inspect

from legacy.tf1 import gan_losses as wargs
from legacy.tf1.gan_tuples import CycleGANModel


def _on_model(loss_fn):
    """`loss_fn` with every argument that is a field of the model taken from it; the others are keywords."""
    parameters = inspect.signature(loss_fn).parameters
    required = {name for name, parameter in parameters.items() if parameter.default is parameter.empty}

    def loss(gan_model, **kwargs):
        fields = set(gan_model._fields)
        both = fields & set(kwargs)
        if both:
            raise ValueError('The following args are present in both the tuple and keyword args for '
                             f'{loss_fn.__name__}: {both}')
        for name in sorted(required - fields - set(kwargs)):
            raise ValueError(f'`{name}` must be supplied to {loss_fn.__name__} loss function.')
        taken = {name: getattr(gan_model, name) for name in parameters if name in fields}
        taken = {name: value for name, value in taken.items() if name in required or value is not None}
        # None stood for the default
        return loss_fn(**taken, **{name: value for name, value in kwargs.items() if value is not None})

    loss.__name__ = loss.__qualname__ = loss_fn.__name__
    loss.__doc__ = f'The gan_model version of {loss_fn.__name__}: {loss_fn.__doc__}'
    return loss


wasserstein_generator_loss = _on_model(wargs.wasserstein_generator_loss)
wasserstein_discriminator_loss = _on_model(wargs.wasserstein_discriminator_loss)
wasserstein_hinge_generator_loss = _on_model(wargs.wasserstein_hinge_generator_loss)
wasserstein_hinge_discriminator_loss = _on_model(wargs.wasserstein_hinge_discriminator_loss)
wasserstein_gradient_penalty = _on_model(wargs.wasserstein_gradient_penalty)
acgan_generator_loss = _on_model(wargs.acgan_generator_loss)
acgan_discriminator_loss = _on_model(wargs.acgan_discriminator_loss)
minimax_generator_loss = _on_model(wargs.minimax_generator_loss)
minimax_discriminator_loss = _on_model(wargs.minimax_discriminator_loss)
modified_generator_loss = _on_model(wargs.modified_generator_loss)
modified_discriminator_loss = _on_model(wargs.modified_discriminator_loss)
least_squares_generator_loss = _on_model(wargs.least_squares_generator_loss)
least_squares_discriminator_loss = _on_model(wargs.least_squares_discriminator_loss)
mutual_information_penalty = _on_model(wargs.mutual_information_penalty)


def combine_adversarial_loss(gan_loss, gan_model, non_adversarial_loss, weight_factor=None,
                             gradient_ratio=None, gradient_ratio_epsilon=1e-6, scalar_summaries=True,
                             gradient_summaries=True):
    """The GANLoss whose generator loss is combined with another loss of the generator."""
    combined = wargs.combine_adversarial_loss(
        non_adversarial_loss, gan_loss.generator_loss, weight_factor, gradient_ratio, gradient_ratio_epsilon,
        gan_model.generator_variables, scalar_summaries, gradient_summaries)
    return gan_loss._replace(generator_loss=combined)


def cycle_consistency_loss(cyclegan_model, scope=None, add_summaries=False):
    """`wargs.cycle_consistency_loss` of a CycleGANModel."""
    if not isinstance(cyclegan_model, CycleGANModel):
        raise ValueError(f'`cyclegan_model` must be a `CycleGANModel`. Instead, was {type(cyclegan_model)}.')
    return wargs.cycle_consistency_loss(
        cyclegan_model.model_x2y.generator_inputs, cyclegan_model.reconstructed_x,
        cyclegan_model.model_y2x.generator_inputs, cyclegan_model.reconstructed_y, scope, add_summaries)


def stargan_generator_loss_wrapper(loss_fn):
    """A loss of generated outputs, called with a StarGANModel."""
    def loss(stargan_model, **kwargs):
        return loss_fn(stargan_model.discriminator_generated_data_source_predication, **kwargs)
    return loss


def stargan_discriminator_loss_wrapper(loss_fn):
    """A loss of real and generated outputs, called with a StarGANModel."""
    def loss(stargan_model, **kwargs):
        return loss_fn(stargan_model.discriminator_input_data_source_predication,
                       stargan_model.discriminator_generated_data_source_predication, **kwargs)
    return loss


def stargan_gradient_penalty_wrapper(loss_fn):
    """`wasserstein_gradient_penalty`, called with a StarGANModel."""
    def loss(stargan_model, **kwargs):
        return loss_fn(
            real_data=stargan_model.input_data, generated_data=stargan_model.generated_data,
            generator_inputs=stargan_model.input_data_domain_label.shape.as_list()[-1],
            discriminator_fn=stargan_model.discriminator_fn,
            discriminator_scope=stargan_model.discriminator_scope, **kwargs)
    return loss
