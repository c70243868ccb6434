"""The published training recipe of MCNN (mindspore models, research/cv/MCNN), one idea a file."""
