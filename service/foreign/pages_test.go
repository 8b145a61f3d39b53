package foreign_test

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"flowbot/service"
	"flowbot/service/foreign"
)

// taken is a page as the parent got it.
type taken struct {
	service.ForeignPage
	content []byte
}

// takePages takes a file apart.
func takePages(t *testing.T, r *foreign.Reader, b []byte) ([]taken, service.ForeignFile, error) {
	t.Helper()
	var out []taken
	f, err := r.Pages(t.Context(), save(t, b), func(p service.ForeignPage, content io.Reader) error {
		got, err := io.ReadAll(content)
		out = append(out, taken{p, got})
		return err
	})
	return out, f, err
}

// looks tells what can be seen on a page: its size and the colours of its
// corners, or why it cannot be read.
func looks(t *testing.T, p taken) string {
	t.Helper()
	if p.Refusal != "" {
		if len(p.content) != 0 || p.Width != 0 || p.Height != 0 {
			t.Errorf("page %d is refused and has content", p.Number)
		}
		return string(p.Refusal)
	}
	img, err := jpeg.Decode(bytes.NewReader(p.content))
	if err != nil {
		t.Fatalf("page %d: %v", p.Number, err)
	}
	if b := img.Bounds(); b.Dx() != p.Width || b.Dy() != p.Height {
		t.Errorf("page %d is %v, told are %dx%d", p.Number, b, p.Width, p.Height)
	}
	switch img.(type) {
	case *image.Gray, *image.YCbCr:
	default:
		t.Errorf("page %d is %T", p.Number, img)
	}
	for _, left := range []string{"Exif", "Adobe", "Photoshop", secret} {
		if bytes.Contains(p.content, []byte(left)) {
			t.Errorf("page %d holds %q", p.Number, left)
		}
	}
	w, h := p.Width, p.Height
	out := fmt.Sprintf("%dx%d ", w, h)
	for _, c := range [][2]int{{w / 4, h / 4}, {3 * w / 4, h / 4}, {w / 4, 3 * h / 4}, {3 * w / 4, 3 * h / 4}} {
		out += letter(img.At(c[0], c[1]))
	}
	return out
}

// letter names a colour.
func letter(c color.Color) string {
	r, g, b, _ := c.RGBA()
	near := func(v uint32, to uint32) bool { return max(v>>8, to)-min(v>>8, to) < 50 }
	for name, rgb := range map[string][3]uint32{
		"R": {255, 0, 0}, "G": {0, 255, 0}, "B": {0, 0, 255}, "W": {255, 255, 255}, "K": {0, 0, 0},
		"1": {76, 76, 76}, "2": {150, 150, 150}, "3": {29, 29, 29},
	} {
		if near(r, rgb[0]) && near(g, rgb[1]) && near(b, rgb[2]) && (name != "K" || r>>8 < 15) && (name != "3" || r>>8 >= 15) {
			return name
		}
	}
	return fmt.Sprintf("(%d,%d,%d)", r>>8, g>>8, b>>8)
}

// noisy is a JPEG that is about as large as a scan of its size.
func noisy(tb testing.TB, w, h int) []byte {
	tb.Helper()
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	r := rand.New(rand.NewPCG(1, 1))
	for i := range img.Pix {
		img.Pix[i] = 235 + byte(r.IntN(12))
	}
	var out bytes.Buffer
	if err := jpeg.Encode(&out, img, &jpeg.Options{Quality: 80}); err != nil {
		tb.Fatal(err)
	}
	return out.Bytes()
}

// sheets is a PDF of pages of A4 that are these pictures.
func sheets(pictures ...[]byte) []byte {
	objects := []string{"<< /Type /Catalog /Pages 2 0 R >>", "", stream("", []byte("q 595.2 0 0 841.92 0 0 cm /I Do Q"))}
	var kids []string
	for _, p := range pictures {
		c, err := jpeg.DecodeConfig(bytes.NewReader(p))
		if err != nil {
			panic(err)
		}
		n := len(objects)
		objects = append(objects,
			stream(fmt.Sprintf("/Type /XObject /Subtype /Image /Width %d /Height %d /ColorSpace /DeviceRGB /BitsPerComponent 8 /Filter /DCTDecode", c.Width, c.Height), p),
			fmt.Sprintf("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595.2 841.92] /Contents 3 0 R /Resources << /XObject << /I %d 0 R >> >> >>", n+1))
		kids = append(kids, fmt.Sprintf("%d 0 R", n+2))
	}
	objects[1] = fmt.Sprintf("<< /Type /Pages /Count %d /Kids [%s] >>", len(kids), strings.Join(kids, " "))
	return assemble(objects...)
}

// BenchmarkPages takes 105 pages of A4 in colour at 300 dpi apart, about 60 MB.
func BenchmarkPages(b *testing.B) {
	p := noisy(b, 2480, 3508)
	pictures := make([][]byte, 105)
	for i := range pictures {
		pictures[i] = p
	}
	benchmarkPages(b, sheets(pictures...))
}
