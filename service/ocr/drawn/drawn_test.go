package drawn_test

import (
	"bytes"
	"image"
	"image/color"
	"testing"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/oned"

	"flowbot/service/ocr/drawn"
)

// TestBarCodesAreRead writes a number in every symbology and has somebody else
// read it.
func TestBarCodesAreRead(t *testing.T) {
	t.Parallel()
	readers := map[drawn.Symbology]gozxing.Reader{
		drawn.Code128: oned.NewCode128Reader(), drawn.Interleaved: oned.NewITFReader(), drawn.Code39: oned.NewCode39Reader(),
	}
	for _, s := range drawn.Symbologies {
		for _, number := range []string{"0123456789012", "90", "00000000000000"} {
			widths, err := s.Bars(number)
			if err != nil {
				t.Fatal(err)
			}
			bits, err := gozxing.NewBinaryBitmapFromImage(picture(widths))
			if err != nil {
				t.Fatal(err)
			}
			want := number
			if s == drawn.Interleaved && len(number)%2 == 1 {
				want = "0" + number
			}
			got, err := readers[s].Decode(bits, map[gozxing.DecodeHintType]any{gozxing.DecodeHintType_ALLOWED_LENGTHS: []int{2, 14}})
			if err != nil || got.GetText() != want {
				t.Errorf("%s of %s is read as %v, %v", s, number, got, err)
			}
		}
	}
	if _, err := drawn.Code128.Bars("12a"); err == nil {
		t.Error("a letter was written")
	}
}

// picture draws bars three pixels a module, with room around.
func picture(widths []int) image.Image {
	const module, quiet, high = 3, 40, 60
	total := 2 * quiet
	for _, w := range widths {
		total += w * module
	}
	img := image.NewGray(image.Rect(0, 0, total, high))
	copy(img.Pix, bytes.Repeat([]byte{255}, len(img.Pix)))
	x := quiet
	for i, w := range widths {
		for k := range w * module {
			for y := range high {
				if i%2 == 0 {
					img.SetGray(x+k, y, color.Gray{})
				}
			}
		}
		x += w * module
	}
	return img
}
