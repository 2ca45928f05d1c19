"""What generative adversarial networks and adversarially learned inference share: networks, losses, and one loop."""
