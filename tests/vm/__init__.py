"""A machine with a kernel of its own, by QEMU in software: deployed, rebooted, and all is back."""
