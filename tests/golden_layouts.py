"""Where each original's recording has its counterpart with us: tensors, images, z, losses. For tests/golden.py."""
import dataclasses
import re
from typing import Callable


@dataclasses.dataclass(frozen=True)
class System:
    """How one original's recording maps to ours.

    plugin: (tensors) -> name of our plugin.
    settings: (tensors, images of a step [B,H,W,C]) -> Config arguments, from the shapes of the init tensors.
    tensors: {original name: array} -> {our name: our array}; what we have no counterpart of is left out.
    image: recorded images -> ours, [B,H,W,C].
    z: {our placeholder, 'z' or the number of a schedule entry: recorded name}.
    losses: 'after' = recorded in training mode after the step's updates; 'during' = as the step itself computed them.
    dead_biases: regular expression of the biases (original names) that feed a batch norm.
    tolerance: of each tensor's update, relative to its L2 norm.
    """
    plugin: Callable
    settings: Callable
    tensors: Callable = dict
    image: Callable = lambda images: images
    z: dict = dataclasses.field(default_factory=lambda: {'z': 'z'})
    losses: str = 'after'
    dead_biases: str = ''
    tolerance: float = 1e-3


def _sizes(images):
    return dict(output_height=images.shape[1], output_width=images.shape[2])


# ---------------------------------------------------------------- DCGAN-tensorflow

def _is_conditional(tensors):
    return 'generator/g_h1_lin/Matrix' in tensors


def _carpedm20_settings(tensors, images):
    common = dict(_sizes(images), z_dist='uniform_signed')
    if _is_conditional(tensors):
        y_dim = int(tensors['generator/g_h2/w'].shape[3] - tensors['generator/g_h2/w'].shape[2])
        return dict(common, z_dim=int(tensors['generator/g_h0_lin/Matrix'].shape[0]) - y_dim, labels='builtin',
                    gf_dim=int(tensors['generator/g_h2/w'].shape[2]) // 2,
                    df_dim=int(tensors['discriminator/d_h1_conv/w'].shape[3]) - y_dim,
                    gfc_dim=int(tensors['generator/g_h0_lin/Matrix'].shape[1]),
                    dfc_dim=int(tensors['discriminator/d_h2_lin/Matrix'].shape[1]))
    return dict(common, z_dim=int(tensors['generator/g_h0_lin/Matrix'].shape[0]),
                gf_dim=int(tensors['generator/g_h3/w'].shape[2]), df_dim=int(tensors['discriminator/d_h0_conv/w'].shape[3]))


# ---------------------------------------------------------------- CatDCGAN

def _catdcgan_settings(tensors, images):
    return dict(_sizes(images), z_dim=int(tensors['generator/dense/kernel'].shape[0]),
                gf_dim=int(tensors['generator/trans_conv4/kernel'].shape[2]),
                df_dim=int(tensors['discriminator/conv1/kernel'].shape[3]))


# ---------------------------------------------------------------- PyTorch

def _from_torch(tensors):
    """network/layer.weight, network/layer.bias, ... in PyTorch's layout -> network/layer/kernel, ... in ours.

    Conv2d (out, in, rows, columns) -> [rows, columns, in, out], ConvTranspose2d (in, out, rows, columns) -> [rows, columns,
    out, in] and Linear (out, in) -> [in, out]: the same exchange of axes.
    """
    ours = {}
    for name, value in tensors.items():
        layer, _, parameter = name.rpartition('.')
        if parameter == 'num_batches_tracked':
            continue
        if value.ndim > 1:
            ours[f'{layer}/kernel'] = value.transpose(2, 3, 1, 0) if value.ndim == 4 else value.T
        elif f'{layer}.running_mean' in tensors:
            ours[f'{layer}/' + dict(weight='gamma', bias='beta', running_mean='moving_mean',
                                    running_var='moving_variance')[parameter]] = value
        else:
            ours[f'{layer}/{parameter}'] = value
    return ours


def _animegan_settings(tensors, images):
    return dict(_sizes(images), z_dim=int(tensors['generator/main.0.weight'].shape[0]),
                gf_dim=int(tensors['generator/main.12.weight'].shape[0]),
                df_dim=int(tensors['discriminator/main.0.weight'].shape[0]))


def _mlpgan_settings(tensors, images):
    return dict(_sizes(images), z_dim=int(tensors['generator/0.weight'].shape[1]),
                gfc_dim=int(tensors['generator/0.weight'].shape[0]), dfc_dim=int(tensors['discriminator/0.weight'].shape[0]),
                df_dim=int(tensors['discriminator/2.weight'].shape[0]))


# ---------------------------------------------------------------- Keras

def _from_keras(tensors):
    """network/NN_LayerClass/variable -> network/layer_class_k/variable, k counting the layers of a class: Keras's own names."""
    ours, counts, layers = {}, {}, {}
    for name in sorted(tensors):
        network, layer, variable = name.split('/')
        if (network, layer) not in layers:
            kind = re.sub(r'([a-z])([A-Z])|(D)(T)', r'\1\3_\2\4', layer.partition('_')[2]).lower()
            count = counts[network, kind] = counts.get((network, kind), -1) + 1
            layers[network, layer] = f'{kind}_{count}' if count else kind
        ours[f'{network}/{layers[network, layer]}/{variable}'] = tensors[name]
    return ours


def _mnistgans_settings(tensors, images):
    return dict(_sizes(images), z_dim=int(tensors['generator/00_Dense/kernel'].shape[0]), dropout=0.0,
                gf_dim=int(tensors['generator/07_Conv2DTranspose/kernel'].shape[2]),
                df_dim=int(tensors['discriminator/00_Conv2D/kernel'].shape[3]))


SYSTEMS = {
    'carpedm20': System(
        plugin=lambda tensors: 'mnist' if _is_conditional(tensors) else 'dcgan',
        settings=_carpedm20_settings,
        # g_h3 feeds one in the unconditional network only; in the conditional one it is the last layer.
        dead_biases=r'generator/(g_h0_lin/bias|g_h1_lin/bias|g_h[123]/biases)|discriminator/(d_h[123]_conv/biases|d_h2_lin/bias)'),
    'catdcgan': System(
        plugin=lambda tensors: 'cat128',
        settings=_catdcgan_settings,
        dead_biases=r'generator/trans_conv\d/bias|discriminator/conv\d/bias',
        tolerance=5e-2),           # two builds of the original differ by 1.6e-2 here
    'animegan': System(
        plugin=lambda tensors: 'anime96',
        settings=_animegan_settings,
        tensors=_from_torch,
        image=lambda images: images.transpose(0, 2, 3, 1),
        z={0: 'z_d', 1: 'z_g'},
        losses='during'),
    # Its batch norms run on their moving averages, so no bias is dead. Its d_acc and g_acc compare logits with 0.5, where D is
    # undecided at 0, so they are not compared with our accuracies.
    'mnistgans': System(
        plugin=lambda tensors: 'mnist_keras',
        settings=_mnistgans_settings,
        tensors=_from_keras,
        losses='during'),
    'mlpgan': System(
        plugin=lambda tensors: 'mlp',
        settings=_mlpgan_settings,
        tensors=_from_torch,
        image=lambda images: images.reshape(len(images), 1, -1, 1),     # the network sees a row of pixels, whatever the shape
        z={0: 'z_d', 1: 'z_g'},
        losses='during'),
}
