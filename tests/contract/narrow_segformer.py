"""A configuration of mmsegmentation: SegFormer with narrow stages of one block, which the contract tests train."""

model = dict(
    type="EncoderDecoder",
    data_preprocessor=dict(
        type="SegDataPreProcessor", mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], bgr_to_rgb=True
    ),
    backbone=dict(type="MixVisionTransformer", embed_dims=8, num_layers=[1, 1, 1, 1], num_heads=[1, 2, 5, 8]),
    decode_head=dict(
        type="SegformerHead",
        in_channels=[8, 16, 40, 64],
        in_index=[0, 1, 2, 3],
        channels=32,
        num_classes=19,
        norm_cfg=dict(type="SyncBN"),
        loss_decode=dict(type="CrossEntropyLoss"),
    ),
)
