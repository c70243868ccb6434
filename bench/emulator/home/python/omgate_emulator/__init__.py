"""The private half of the emulated SDK home: what stands behind StreamManagerApi and mindx.sdk.

Python 3.7 syntax, standard library and protobuf only (numpy in mindx.sdk.base alone), because programs bring their own interpreter.
"""
