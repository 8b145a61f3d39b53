package ocr

import (
	"image"
	"image/color"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/oned"
)

// barPPM is the resolution in which a bar code is looked at, in pixels a
// millimetre.
const barPPM = 14

// barReader reads one-dimensional bar codes. Which one a printing house uses is
// not known, so it tries those that can bear digits. It is not safe for
// concurrent use.
type barReader struct{ readers []gozxing.Reader }

func newBarReader() *barReader {
	return &barReader{[]gozxing.Reader{
		oned.NewCode128Reader(), oned.NewITFReader(), oned.NewCode39Reader(), oned.NewEAN13Reader(), oned.NewCodaBarReader(),
	}}
}

// read returns the digits of the bar code at its place, "" if none is read. The
// rows of several bands are averaged first, which takes grain and stains away.
func (b *barReader) read(g *gray, h *homography, area box, digits int) string {
	area.x0, area.x1 = area.x0-3, area.x1+3
	high := area.y1 - area.y0
	found := map[string]int{}
	best, most := "", 0
	for _, band := range [][2]float64{{.15, .85}, {.1, .4}, {.35, .65}, {.6, .9}} {
		part := box{area.x0, area.y0 + band[0]*high, area.x1, area.y0 + band[1]*high}
		text := b.line(g.crop(h, part, barPPM), digits)
		if text == "" {
			continue
		}
		found[text]++
		if found[text] > most {
			best, most = text, found[text]
		}
		if most == 2 {
			break
		}
	}
	if len(found) > 1 && most < 2 { // they contradict each other
		return ""
	}
	return best
}

// line reads the mean of a strip's rows.
func (b *barReader) line(g *gray, digits int) string {
	mean := make([]int, g.w)
	for y := range g.h {
		for x, v := range g.pix[y*g.w : (y+1)*g.w] {
			mean[x] += int(v)
		}
	}
	low, top := 255, 0
	for x := range mean {
		mean[x] /= g.h
		low, top = min(low, mean[x]), max(top, mean[x])
	}
	if top-low < 25 {
		return ""
	}
	const rows = 24
	img := image.NewGray(image.Rect(0, 0, g.w, rows))
	for x, v := range mean {
		level := uint8(255 * (v - low) / (top - low)) //nolint:gosec // v lies between low and top
		for y := range rows {
			img.SetGray(x, y, color.Gray{Y: level})
		}
	}
	for _, r := range b.readers {
		for _, binary := range []func(gozxing.LuminanceSource) gozxing.Binarizer{
			gozxing.NewGlobalHistgramBinarizer,
			gozxing.NewHybridBinarizer,
		} {
			bits, err := gozxing.NewBinaryBitmap(binary(gozxing.NewLuminanceSourceFromImage(img)))
			if err != nil {
				continue
			}
			result, err := r.Decode(bits, nil)
			if err != nil {
				continue
			}
			if text := digitsOf(result.GetText(), digits); text != "" {
				return text
			}
		}
	}
	return ""
}

// digitsOf returns a text of so many digits, without a 0 that a symbology of
// pairs has put before an odd count, or "".
func digitsOf(text string, digits int) string {
	if len(text) == digits+1 && text[0] == '0' {
		text = text[1:]
	}
	if len(text) != digits {
		return ""
	}
	for _, c := range text {
		if c < '0' || c > '9' {
			return ""
		}
	}
	return text
}
