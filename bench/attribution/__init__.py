"""Attribution: which factor a difference comes from, found by a ladder of runs on the same images in which one factor changes per rung.

    published evaluation                                                                         the deliverable
    resampled, native, MindSpore -> raw-sum -> pad -> ONNX graph -> FP16 -> OM through mxBase -> OM in an SDK stream

The ladder goes from how a published checkpoint is evaluated to what is delivered, and each rung ends where the next begins, so the changes
sum up to the whole difference. The order matters: a rung says what its factor does after the ones before it were changed. It explains and
judges nothing.

What a rung holds beside its name: "framework" also the processor, where the checkpoint ran on Ascend (its step says so) and the ONNX graph
on the CPU; "precision" is rounding to FP16 after every operator, computed on the CPU; what a device's FP16 does beyond that (accumulation,
fused operators) is in "runtime", with the OM's graph compiler, which nothing can separate from it.

Why MindSpore runs the images' own sizes, and not ONNX Runtime: the ladder would have to leave MindSpore and come back. It compiles for each
size (1.5 s on a CPU, more on Ascend), about a minute for 24 images and 12 sizes on two cores, minutes for a test set of 182 sizes: hence
--attribution. Where there is no MindSpore, the ladder begins with the ONNX graph and says that the framework's share is not in the sum.

Which steps there are: `plan.py`; what they count: `measure.py`; the arithmetic: `reports/ladder.py`.
"""
