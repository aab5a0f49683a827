"""All pairs of a gallery, in tiles that several processes and machines share and that a killed run
goes on with: a `LoadedGallery` comes in, the score matrix goes out (score_tiles). The tiles on disk
are tile_store, processes are agreed with in processes, what an evaluation writes is
evaluation_output. Start at score_tiles.py."""
