"""Characters (文字): which glyphs a font reaches, and what a vendor's private codes mean in each municipality."""
