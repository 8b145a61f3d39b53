package ocr_test

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"testing"

	"flowbot/service"
	"flowbot/service/ocr"
)

// smallPage is a page's small picture, all of one colour.
func smallPage(t *testing.T, w, h int) []byte {
	t.Helper()
	img := image.NewGray(image.Rect(0, 0, w, h))
	for i := range img.Pix {
		img.Pix[i] = 0x40
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestTheSheetOfABatchFitsAPhoneAndShowsEachMark(t *testing.T) {
	t.Parallel()
	marks := []service.PageMark{service.MarkMatched, service.MarkQuestion, service.MarkAside}
	pages := [][]byte{smallPage(t, 240, 181), smallPage(t, 170, 240), nil, []byte("no picture"), smallPage(t, 3000, 2)}
	for _, n := range []int{1, 2, 3, 7, 40, 99, 100} {
		var thumbs []service.PageThumb
		for i := range n {
			thumbs = append(thumbs, service.PageThumb{Number: i + 1, JPEG: pages[i%len(pages)], Mark: marks[i%len(marks)]})
		}
		got, err := ocr.Sheet(thumbs)
		if err != nil {
			t.Fatal(err)
		}
		img, err := jpeg.Decode(bytes.NewReader(got))
		if err != nil {
			t.Fatal(err)
		}
		if b := img.Bounds(); max(b.Dx(), b.Dy()) > 2560 || len(got) > 2<<20 {
			t.Errorf("%d pages: %v, %d bytes", n, b, len(got))
		}
		colours := []color.RGBA{{0x1f, 0x8a, 0x3b, 0xff}, {0xff, 0xb3, 0x00, 0xff}, {0x9a, 0x9a, 0x9a, 0xff}}
		// The pages of the first row begin at the left, each with its border.
		for i := range min(n, 3) {
			if !hasColour(img, colours[i]) {
				t.Errorf("%d pages: no border in the colour of %s", n, marks[i])
			}
		}
	}
}

// hasColour looks for a colour at the points of a fine grid.
func hasColour(img image.Image, c color.Color) bool {
	b := img.Bounds()
	for y := 0; y < b.Dy(); y += 3 {
		for x := 0; x < b.Dx(); x += 3 {
			if near(img.At(x, y), c) {
				return true
			}
		}
	}
	return false
}

func TestASheetHasAtLeastOnePageAndAtMostAHundred(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, ocr.MostThumbs + 1} {
		if _, err := ocr.Sheet(make([]service.PageThumb, n)); err == nil {
			t.Errorf("%d pages were drawn", n)
		}
	}
}
