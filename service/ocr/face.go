package ocr

import (
	"fmt"
	"image"

	"golang.org/x/image/font"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"

	"flowbot/service"
	"flowbot/templates"
)

// typefaces are the faces that certificates are printed in. They are safe for
// concurrent use.
type typefaces map[service.Face]*sfnt.Font

func newTypefaces() (typefaces, error) {
	out := make(typefaces)
	for face, file := range map[service.Face]string{
		service.FaceSerif: templates.FontSerif, service.FaceSerifBold: templates.FontSerifBold, service.FaceSans: templates.FontSans,
	} {
		data, err := templates.Font(file)
		if err != nil {
			return nil, err
		}
		if out[face], err = opentype.Parse(data); err != nil {
			return nil, fmt.Errorf("parse font %s: %w", file, err)
		}
	}
	return out, nil
}

// capitalHigh is the height of capitals and digits, as a share of the type's size.
// Source: sCapHeight of all three faces, 700 of 1,000 units.
const capitalHigh = .70

// pen writes in one face at one size, in pixels, as the printer does: letter
// after letter, without kerning. It is not safe for concurrent use.
type pen struct {
	face font.Face
	size float64 // pixels
}

func (f typefaces) pen(face service.Face, size float64) (*pen, error) {
	made, err := opentype.NewFace(f[face], &opentype.FaceOptions{Size: size, DPI: 72, Hinting: font.HintingNone})
	if err != nil {
		return nil, fmt.Errorf("open face: %w", err)
	}
	return &pen{made, size}, nil
}

// advance is the width of a letter in pixels.
func (p *pen) advance(r rune) float64 {
	a, _ := p.face.GlyphAdvance(r)
	return float64(a) / 64
}

// width is the width of a text in pixels.
func (p *pen) width(text string) float64 {
	w := 0.0
	for _, r := range text {
		w += p.advance(r)
	}
	return w
}

// draw writes the text into a tile of w by h with its start at x and its baseline
// at y: 0 is paper, 255 ink, softened as print and scan soften it.
func (p *pen) draw(text string, w, h int, x, y float64) []float32 {
	mask := image.NewAlpha(image.Rect(0, 0, w, h))
	d := font.Drawer{Dst: mask, Src: image.Opaque, Face: p.face}
	for _, r := range text {
		d.Dot = fixed.Point26_6{X: fixed.Int26_6(x * 64), Y: fixed.Int26_6(y * 64)}
		d.DrawString(string(r))
		x += p.advance(r)
	}
	at := func(x, y int) float32 {
		if x < 0 || y < 0 || x >= w || y >= h {
			return 0
		}
		return float32(mask.Pix[y*mask.Stride+x])
	}
	out := make([]float32, w*h)
	for y := range h {
		for x := range w {
			out[y*w+x] = (4*at(x, y) + 2*(at(x-1, y)+at(x+1, y)+at(x, y-1)+at(x, y+1)) +
				at(x-1, y-1) + at(x+1, y-1) + at(x-1, y+1) + at(x+1, y+1)) / 16
		}
	}
	return out
}
