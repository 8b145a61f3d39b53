package ocr_test

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/color"
	"image/jpeg"
	"math/rand/v2"
	"testing"

	"flowbot/service"
	"flowbot/service/ocr"
	"flowbot/service/ocr/drawn"
	"flowbot/service/ocr/ocrtest"
)

// FuzzPages reads, matches and draws whatever is called a page. None may panic or
// take for ever; what is no good page of the list is nobody's. Without -fuzz it
// works on the seeds, pages that are cut, spoiled, tiny and absurd.
func FuzzPages(f *testing.F) {
	c := ocrtest.Corpus(f, profile(f, "blank-210"), 46, drawn.Order{Applications: 1, Severity: coarse, Symbology: drawn.Code128})
	good := &c.Pages[0]
	for _, page := range damagedPages(good.JPEG) {
		f.Add(page)
	}
	for _, page := range oddPages(f) {
		f.Add(page)
	}
	r, err := ocr.NewReader(c.Profile, c.Certificates)
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() {
		if err := r.Close(); err != nil {
			f.Error(err)
		}
	})
	pictures, err := ocr.NewPictures(c.Profile)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, page []byte) {
		reading, err := r.Read(t.Context(), page)
		if err != nil {
			return
		}
		if id, rule := service.MatchPage(c.Certificates, reading); id != 0 && id != good.ApplicationID {
			t.Errorf("a page matched %d by %s", id, rule)
		}
		if key, read := service.BlankNumberOf(reading); read && key.Number != good.BlankNumber {
			t.Errorf("the number of the blank is %s, want %s", key.Number, good.BlankNumber)
		}
		for _, draw := range []func([]byte, *service.PageReading) ([]byte, error){pictures.Clean, pictures.View, pictures.Lines, pictures.Thumb} {
			if out, err := draw(page, reading); err == nil && out != nil {
				if _, err := jpeg.DecodeConfig(bytes.NewReader(out)); err != nil {
					t.Errorf("what was drawn is no picture: %v", err)
				}
			}
		}
	})
}

// damagedPages are a page that is whole, cut and spoiled.
func damagedPages(page []byte) [][]byte {
	out := [][]byte{page}
	for _, part := range []int{1, 2, 10, 50, 90, 99} {
		out = append(out, page[:len(page)*part/100])
	}
	r := rand.New(rand.NewPCG(46, 1))
	for round := range 12 {
		spoiled := bytes.Clone(page)
		from := 0
		if round%2 == 1 { // its head keeps whole
			from = 700
		}
		for range 1 + r.IntN(12) {
			spoiled[from+r.IntN(len(spoiled)-from)] ^= byte(1 + r.IntN(255))
		}
		out = append(out, spoiled)
	}
	return out
}

// oddPages are pictures that no scanner makes, and what is none.
func oddPages(f *testing.F) [][]byte {
	f.Helper()
	out := [][]byte{nil, []byte("\xff"), []byte("certificate"), bytes.Repeat([]byte{0xff, 0xd8}, 500)}
	add := func(w, h int, light func(x, y int) uint8) {
		img := image.NewGray(image.Rect(0, 0, w, h))
		for y := range h {
			for x := range w {
				img.SetGray(x, y, color.Gray{Y: light(x, y)})
			}
		}
		var b bytes.Buffer
		if err := jpeg.Encode(&b, img, nil); err != nil {
			f.Fatal(err)
		}
		out = append(out, b.Bytes())
	}
	r := rand.New(rand.NewPCG(46, 2))
	dots := func(x, y int) uint8 { return uint8((x ^ y) & 1 * 255) }
	noise := func(int, int) uint8 { return uint8(r.IntN(256)) }
	stripes := func(x, y int) uint8 { return uint8((x/6 + y/6) % 2 * 255) }
	lattice := func(x, y int) uint8 {
		if x%24 < 3 || y%24 < 3 {
			return 0
		}
		return 255
	}
	for _, size := range [][2]int{{1, 1}, {2, 1}, {1, 9}, {3, 3}, {7, 60}, {16, 16}, {1, 3000}, {9000, 2}, {400, 560}} {
		add(size[0], size[1], dots)
	}
	add(620, 880, noise)
	add(620, 880, stripes)
	add(620, 880, lattice)
	// Heads that tell of more than there is, and of more than anybody holds.
	small := out[len(out)-4]
	at := bytes.Index(small, []byte{0xff, 0xc0})
	for _, size := range [][2]uint16{{0, 0}, {0, 500}, {500, 0}, {4000, 3000}, {65500, 65500}, {65535, 65535}, {65500, 1}} {
		absurd := bytes.Clone(small)
		binary.BigEndian.PutUint16(absurd[at+5:], size[0])
		binary.BigEndian.PutUint16(absurd[at+7:], size[1])
		out = append(out, absurd)
	}
	return out
}
