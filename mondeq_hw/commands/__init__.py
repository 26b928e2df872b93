"""The commands of the command line, one file each: options in, one call of the Python API, a table or JSON out."""
