"""StreamManagerApi by the name that the SDK's newest wheels give it; the same classes, so that a program may import both."""

from StreamManagerApi import *  # noqa: F403
