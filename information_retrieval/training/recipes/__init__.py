"""What each kind of model is trained with: a checkpoint's name, our options of training
(objective_arguments) and a split's data come in; a `Recipe` goes out, to the trainer: model, pairs,
batches, loss and parameter groups. Start at recipe.py."""
