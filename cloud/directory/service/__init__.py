"""What is done with the directory: change it, publish what follows, hand it out, take what edges changed."""
