"""A model of many samples read by others: genes that they lack, whether they are of its kind, whether it knows them."""
