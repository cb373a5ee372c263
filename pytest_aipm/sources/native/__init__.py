"""Model files that hold data only: ONNX, XGBoost, LightGBM, CatBoost.

Opening one runs no code of the file's, so none needs trust. `formats` tells them apart, `opening`
opens them, and each library has one module that turns its model into a `voice.NativeModel`.
"""
