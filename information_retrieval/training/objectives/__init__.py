"""What is minimised: losses over a matrix of scores as pure functions (losses), and the models'
forwards that make such a matrix of a batch (contrastive_lxmert, contrastive_dual_encoder); X-VLM's
four losses (xvlm_losses), its forward (xvlm_in_training), and their means (loss_parts). Start at
losses.py."""
