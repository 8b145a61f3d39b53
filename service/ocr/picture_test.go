package ocr_test

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"math"
	"testing"

	"flowbot/service"
	"flowbot/service/ocr"
)

// The colours of the corners of the sheet that the tests lay on pages, from the
// top left one clockwise, and of what it lies on.
var (
	sheetColours = [4]color.RGBA{{220, 40, 40, 255}, {40, 180, 40, 255}, {40, 60, 220, 255}, {220, 200, 40, 255}}
	tableColour  = color.RGBA{120, 120, 120, 255}
)

// laidSheet is a page with a sheet of four colours on it, and where it lies: long
// pixels from left to right, turned clockwise by degrees.
//
//go:norace
func laidSheet(t *testing.T, p service.BlankProfile, long, degrees float64) ([]byte, *service.PageReading) {
	t.Helper()
	wide, high := long, long*p.Sheet.Height/p.Sheet.Width
	sin, cos := math.Sincos(degrees * math.Pi / 180)
	w := int(math.Abs(wide*cos)+math.Abs(high*sin)) + 83
	h := int(math.Abs(wide*sin)+math.Abs(high*cos)) + 61
	mx, my := float64(w)/2+9, float64(h)/2-7
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			dx, dy := float64(x)+.5-mx, float64(y)+.5-my
			u, v := dx*cos+dy*sin, -dx*sin+dy*cos
			c := tableColour
			if math.Abs(u) <= wide/2 && math.Abs(v) <= high/2 {
				switch {
				case u < 0 && v < 0:
					c = sheetColours[0]
				case v < 0:
					c = sheetColours[1]
				case u > 0:
					c = sheetColours[2]
				default:
					c = sheetColours[3]
				}
			}
			img.SetRGBA(x, y, c)
		}
	}
	r := &service.PageReading{Width: w, Height: h, Located: true, Resolution: long / p.Sheet.Width * 25.4}
	for i, at := range [4][2]float64{{-wide / 2, -high / 2}, {wide / 2, -high / 2}, {wide / 2, high / 2}, {-wide / 2, high / 2}} {
		r.Corners[i] = service.Spot{X: mx + at[0]*cos - at[1]*sin, Y: my + at[0]*sin + at[1]*cos}
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: 90}); err != nil {
		t.Fatal(err)
	}
	// What a camera might tell of its owner.
	data := append([]byte{}, b.Bytes()[:2]...)
	data = append(data, 0xff, 0xe1, 0, 18)
	data = append(data, "Exif\x00\x00secretive."...)
	return append(data, b.Bytes()[2:]...), r
}

// near reports whether two colours look alike.
func near(a, b color.Color) bool {
	const far = 24 << 8
	ar, ag, ab, _ := a.RGBA()
	br, bg, bb, _ := b.RGBA()
	off := func(x, y uint32) bool { return math.Abs(float64(x)-float64(y)) > far }
	return !off(ar, br) && !off(ag, bg) && !off(ab, bb)
}

// isUpright checks that the sheet's colours stand at the picture's corners, in
// that order, and returns the picture.
func isUpright(t *testing.T, data []byte) image.Image {
	t.Helper()
	img, err := jpeg.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	b := img.Bounds()
	for i, at := range [4][2]int{{1, 1}, {9, 1}, {9, 9}, {1, 9}} {
		got := img.At(b.Dx()*at[0]/10, b.Dy()*at[1]/10)
		if !near(got, sheetColours[i]) {
			t.Errorf("corner %d is %v, want %v", i, got, sheetColours[i])
		}
	}
	return img
}

// segmentsOf lists the markers of a JPEG up to its first scan.
func segmentsOf(t *testing.T, data []byte) []byte {
	t.Helper()
	var out []byte
	for at := 2; at+4 <= len(data) && data[at] == 0xff; at += 2 + int(data[at+2])<<8 + int(data[at+3]) {
		out = append(out, data[at+1])
		if data[at+1] == 0xda {
			return out
		}
	}
	t.Fatal("no scan in the JPEG")
	return nil
}

func newPictures(t *testing.T, p service.BlankProfile) *ocr.Pictures {
	t.Helper()
	pictures, err := ocr.NewPictures(p)
	if err != nil {
		t.Fatal(err)
	}
	return pictures
}

func TestACleanPageIsUprightCutAndWithoutMetadata(t *testing.T) {
	t.Parallel()
	p := profile(t, "blank-210")
	for _, tt := range []struct {
		degrees float64
		long    float64 // pixels
		kept    bool    // the pixels are the scanner's own
		wide    int     // pixels expected, with the margins
	}{
		{0, 1000, true, 1010},
		{.3, 1000, true, 1014},
		{90, 1000, true, 1010},
		{180, 1000, true, 1010},
		{270, 1000, true, 1010},
		{179.8, 1000, true, 1013},
		{3, 1000, false, 1010},
		{93, 1000, false, 1010},
		{200, 1000, false, 1010},
		{280, 2560, false, 2504}, // over 300 dots an inch
	} {
		t.Run(fmt.Sprintf("turned by %v", tt.degrees), func(t *testing.T) {
			t.Parallel()
			page, reading := laidSheet(t, p, tt.long, tt.degrees)
			got, err := newPictures(t, p).Clean(page, reading)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range segmentsOf(t, got) {
				if m == 0xfe || m > 0xe0 && m <= 0xef && m != 0xee {
					t.Errorf("segment %x is left", m)
				}
			}
			img := isUpright(t, got)
			// A cut begins at a border of blocks, up to 15 pixels before the margin.
			if wide := img.Bounds().Dx(); wide < tt.wide-2 || wide > tt.wide+17 || !tt.kept && wide > tt.wide+2 {
				t.Errorf("%d pixels wide, want %d", wide, tt.wide)
			}
			if kept := isCutOf(t, page, img); kept != tt.kept {
				t.Errorf("the scanner's pixels are kept: %v", kept)
			}
		})
	}
}

// isCutOf reports whether a picture is a part of a page, turned by right angles.
func isCutOf(t *testing.T, page []byte, img image.Image) bool {
	t.Helper()
	whole, err := jpeg.Decode(bytes.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	b, w := img.Bounds(), whole.Bounds()
	at := [4]func(x, y int) color.Color{
		whole.At,
		func(x, y int) color.Color { return whole.At(y, w.Dy()/16*16-1-x) },
		func(x, y int) color.Color { return whole.At(w.Dx()/16*16-1-x, w.Dy()/16*16-1-y) },
		func(x, y int) color.Color { return whole.At(w.Dx()/16*16-1-y, x) },
	}
	for _, pixel := range at {
		for x0 := 0; x0 < 64; x0 += 16 {
			for y0 := 0; y0 < 64; y0 += 16 {
				same := true
				for x := 0; x < b.Dx() && same; x += 3 {
					for y := 0; y < b.Dy() && same; y += 3 {
						a, _, _, _ := img.At(x, y).RGBA()
						c, _, _, _ := pixel(x+x0, y+y0).RGBA()
						same = math.Abs(float64(a)-float64(c)) <= 3<<8
					}
				}
				if same {
					return true
				}
			}
		}
	}
	return false
}

func TestAPageWithoutABlankKeepsItsPixels(t *testing.T) {
	t.Parallel()
	p := profile(t, "blank-210")
	page, reading := laidSheet(t, p, 700, 90)
	reading.Located = false
	for _, r := range []*service.PageReading{reading, nil} {
		got, err := newPictures(t, p).Clean(page, r)
		if err != nil {
			t.Fatal(err)
		}
		img, err := jpeg.Decode(bytes.NewReader(got))
		if err != nil || img.Bounds().Dx() != reading.Width || img.Bounds().Dy() != reading.Height {
			t.Errorf("%v, %v, want %d × %d", img.Bounds(), err, reading.Width, reading.Height)
		}
		if bytes.Contains(got, []byte("secretive")) {
			t.Error("metadata is left")
		}
		lines, err := newPictures(t, p).Lines(page, r)
		if lines != nil || err != nil {
			t.Errorf("lines of no blank: %d bytes, %v", len(lines), err)
		}
	}
}

func TestSmallPicturesAreUprightAndSmall(t *testing.T) {
	t.Parallel()
	p := profile(t, "vector-200")
	for _, degrees := range []float64{0, 2, 90, 183, 270} {
		page, reading := laidSheet(t, p, 1400, degrees)
		pictures := newPictures(t, p)
		for _, tt := range []struct {
			name string
			draw func([]byte, *service.PageReading) ([]byte, error)
			long int
		}{{"view", pictures.View, 1280}, {"thumb", pictures.Thumb, 240}} {
			got, err := tt.draw(page, reading)
			if err != nil {
				t.Fatal(err)
			}
			if img := isUpright(t, got); img.Bounds().Dx() != tt.long || len(got) >= 300_000 {
				t.Errorf("%s of a page turned by %v: %v, %d bytes", tt.name, degrees, img.Bounds(), len(got))
			}
		}
		got, err := pictures.Lines(page, reading)
		if err != nil {
			t.Fatal(err)
		}
		if img, err := jpeg.Decode(bytes.NewReader(got)); err != nil || img.Bounds().Dx() > 1280 || img.Bounds().Dx() < 1000 {
			t.Errorf("lines: %v", err)
		}
	}
}

// TestNoiseIsBelowTheLimitToo gives what compresses worst.
func TestNoiseIsBelowTheLimitToo(t *testing.T) {
	t.Parallel()
	img := image.NewRGBA(image.Rect(0, 0, 1600, 1300))
	seed := uint32(1)
	for i := range img.Pix {
		seed = seed*1664525 + 1013904223
		img.Pix[i] = byte(seed >> 24)
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, nil); err != nil {
		t.Fatal(err)
	}
	got, err := newPictures(t, profile(t, "blank-210")).View(b.Bytes(), nil)
	if err != nil || len(got) >= 300_000 {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

func TestPlacesThatNoBlankHasAreNone(t *testing.T) {
	t.Parallel()
	p := profile(t, "blank-210")
	page, good := laidSheet(t, p, 500, 0)
	nan, inf := math.NaN(), math.Inf(1)
	for name, corners := range map[string][4]service.Spot{
		"nowhere":        {},
		"not numbers":    {{X: nan, Y: nan}, {X: nan}, {Y: nan}, {X: 1, Y: 1}},
		"infinite":       {{X: -inf, Y: -inf}, {X: inf, Y: -inf}, {X: inf, Y: inf}, {X: -inf, Y: inf}},
		"far away":       {{X: 1e9, Y: 1e9}, {X: 2e9, Y: 1e9}, {X: 2e9, Y: 2e9}, {X: 1e9, Y: 2e9}},
		"one line":       {{X: 10, Y: 10}, {X: 100, Y: 100}, {X: 200, Y: 200}, {X: 300, Y: 300}},
		"crossed":        {good.Corners[0], good.Corners[2], good.Corners[1], good.Corners[3]},
		"mirrored":       {good.Corners[1], good.Corners[0], good.Corners[3], good.Corners[2]},
		"a dot":          {{X: 9, Y: 9}, {X: 10, Y: 9}, {X: 10, Y: 10}, {X: 9, Y: 10}},
		"a needle":       {{X: 0, Y: 9}, {X: 400, Y: 9}, {X: 400, Y: 10}, {X: 0, Y: 10}},
		"beyond its rim": {{X: -400, Y: -400}, {X: 900, Y: -400}, {X: 900, Y: 800}, {X: -400, Y: 800}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := *good
			r.Corners = corners
			pictures := newPictures(t, p)
			got, err := pictures.Clean(page, &r)
			if err != nil {
				t.Fatal(err)
			}
			if img, err := jpeg.Decode(bytes.NewReader(got)); err != nil || img.Bounds().Dx() != r.Width {
				t.Errorf("cleaned to %v, %v", img.Bounds(), err)
			}
			if got, err := pictures.View(page, &r); err != nil || len(got) == 0 {
				t.Errorf("view: %v", err)
			}
		})
	}
}

// TestDamagedPagesAreDrawnAsFarAsTheyGo cuts a page everywhere and spoils it.
func TestDamagedPagesAreDrawnAsFarAsTheyGo(t *testing.T) {
	t.Parallel()
	p := profile(t, "blank-210")
	for _, degrees := range []float64{0, 90, 5} {
		page, reading := laidSheet(t, p, 300, degrees)
		pictures := newPictures(t, p)
		draw := func(data []byte) (drawn int) {
			for _, f := range []func([]byte, *service.PageReading) ([]byte, error){pictures.Clean, pictures.View, pictures.Lines, pictures.Thumb} {
				got, err := f(data, reading)
				if err != nil {
					continue
				}
				if !ocr.IsSound(t, got) {
					t.Error("what was drawn is no picture")
				}
				drawn++
			}
			return drawn
		}
		for at := 0; at < len(page); at += 7 + at/9 {
			draw(page[:at])
			spoiled := bytes.Clone(page)
			spoiled[at] ^= 0x5a
			draw(spoiled)
		}
		if n := draw(page[:len(page)-len(page)/10]); n != 4 {
			t.Errorf("%d of 4 pictures of a page that lacks its end", n)
		}
	}
}
