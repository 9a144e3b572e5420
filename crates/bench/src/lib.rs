//! Load generator, raw baseline and measurements for 
