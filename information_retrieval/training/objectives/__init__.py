"""What is minimised: losses over a matrix of scores as pure functions (losses), and the models'
forwards that make such a matrix of a batch (contrastive_lxmert, contrastive_dual_encoder). Start at
losses.py."""
