# What `bash setup.sh demo --all` runs beyond the demo, with the variables of its function `demo`.
# shellcheck shell=bash disable=SC2154

# More models of the comparison, whose rankings join `names`.
other_systems() {
    local arm
    printf '\nThe systems of docs/systems.md follow, all but GPT-2, BLIP, and X-VLM by a shortlist or cascade: '
    printf '5 minutes more on 2 CPU cores.\n'
    run -m information_retrieval.train --model_name_or_path $models/clip --data_dir $data \
        --output_dir $runs/clip_finetuned --num_train_epochs 1
    rank_demo $runs/clip_finetuned clip_finetuned
    rank_demo $models/xvlm xvlm_contrastive test --score itc
    for arm in itc cosine none; do
        rank_demo $models/sx3hre_$arm sx3hre_$arm
    done
    rank_demo $runs/lxmert lxmert_val val
    rank_demo $models/clip clip_val val
    run -m information_retrieval.fuse --val_rankings $runs/lxmert_val/val.npz $runs/clip_val/val.npz \
        --test_rankings $runs/lxmert/test.npz $runs/clip/test.npz \
        --val_split_file $data/val.json --test_split_file $data/test.json --output $runs/fusion/test.npz
    run -m information_retrieval.cascade --rankings $runs/clip/test.npz --shortlist 24 \
        --model_name_or_path $runs/lxmert --data_dir $data --output $runs/cascade/test.npz
    names+=(clip_finetuned xvlm_contrastive sx3hre_itc sx3hre_cosine sx3hre_none fusion)
}

# Three captioners say what they see; then what they say asks for its image. Fills `captions`, the
# options by which the report shows it.
caption_and_ask() {
    local captioner encoder kind best=$runs/cnn_lstm
    while read -r captioner encoder kind; do
        run -m preprocess.encode_images --encoder $models/"$encoder" --kind "$kind" \
            --images $data/test_images.h5 --output $data/test_"$kind".h5
        run -m captioning.caption --model_name_or_path $models/captioner_"$captioner" \
            --encodings $data/test_"$kind".h5 --output $runs/"$captioner"/test_captions.json
        run -m captioning.evaluate --captions $runs/"$captioner"/test_captions.json \
            --split_file $data/test.json --output $runs/"$captioner"/test_metrics.json
        ask $models/xvlm xvlm $runs/"$captioner"
    done <<<"cnn_lstm resnet vector
clip_lstm clip embedding
clip_attention clip tokens"
    run -m demo.captioners --runs $best $runs/clip_lstm $runs/clip_attention --asked xvlm --data_dir $data
    run -m captioning.surprise --model_name_or_path $models/captioner_cnn_lstm \
        --split_file $data/test.json --encodings $data/test_vector.h5 --output $best/surprise.json
    ask $runs/lxmert lxmert $best
    ask $models/clip clip $best
    surprise=(--surprise $best/surprise.json)
    captions=(--cascades $runs/cascade/test.npz --generated_captions $best/test_captions.json
        --generated_rankings $best/{lxmert,clip,xvlm}/generated/test.npz
        --generated_split_file $best/clip/generated/test.json
        --self_retrieval $best/{lxmert,clip,xvlm}.json $runs/{clip_lstm,clip_attention}/xvlm.json)
}

# Ask a model, whose rankings have a name, for images by the captions in a captioner's folder.
ask() {
    run -m captioning.self_retrieval --captions "$3"/test_captions.json --model_name_or_path "$1" \
        --data_dir $data --human_rankings "$runs/$2/test.npz" --train_split_file $data/train.json \
        --output "$3/$2.json"
}
