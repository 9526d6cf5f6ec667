"""Groups: people whom the directory puts together, and what follows from being in one."""
