/** What lies in a study's folder, by name. */

/** Holds a folder per cell, and in it one per repetition. */
export const CELLS_DIR = "cells";
export const SUMMARY_FILE = "summary.json";
