//! What tsm2iox does. (Being written.)
