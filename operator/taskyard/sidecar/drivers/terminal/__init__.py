"""The driver of programs in a terminal: what they do is read off the kernel and the screen, and messages are typed."""
