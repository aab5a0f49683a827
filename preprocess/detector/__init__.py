"""One image in, its 36 regions out: the Visual Genome Faster R-CNN, from pixels (blob) over network
(resnet, faster_rcnn) and boxes to which regions are kept (selection). Weights come from a folder, a
file or the hub (weights, faster_rcnn_checkpoint), settings from config. Start at regions.py, which
is the chain."""
