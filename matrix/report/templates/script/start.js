"use strict";
/* The page's script is these files one after another; each adds one thing to `matrix`. */
const matrix = {};
document.documentElement.classList.add("js");
