package foreign_test

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"flowbot/service"
	"flowbot/service/foreign"
)

// TestDamagedFilesAlwaysGetAnAnswer sends damaged files of every kind to
// children: whatever happens in there, a person gets a result or a refusal.
// MUTATIONS in the environment makes it longer.
func TestDamagedFilesAlwaysGetAnAnswer(t *testing.T) {
	t.Parallel()
	rounds := 6
	if n, err := strconv.Atoi(os.Getenv("MUTATIONS")); err == nil {
		rounds = n
	}
	d := drawing(120, 80)
	files := map[string][]byte{
		"document":      document(3),
		"scan":          scan(t),
		"object stream": withObjectStream(stream("/Type /ObjStm /N 1 /First 4 /Filter /FlateDecode", deflate(t, []byte(packedPage)))),
		"locked":        locked(t, ""),
		"jpeg":          jpegWithExif(t, encodeJPEG(t, d), 6),
		"png":           pngWith(t, encodePNG(t, d), "eXIf", exif(8)),
		"gif":           encodeGIF(t, d),
		"bmp":           encodeBMP(t, d),
		"tiff":          encodeTIFF(t, d),
		"webp":          sample(t, "sample.webp"),
		"batch":         sheets(encodeJPEG(t, d), encodeJPEG(t, d)),
		"faxes":         tiffOf(fax(nil), fax(map[uint16]uint32{274: 6}), fax(nil)),
		"archive":       archive(t, entry{name: "1.jpg", content: string(encodeJPEG(t, d))}, entry{name: "2.pdf", content: string(scan(t))}),
	}
	r := newReader(t, foreign.Options{Memory: 256 << 20, CPU: time.Second})
	for name, file := range files {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(1, uint64(len(file))))
			for round := range rounds {
				damaged := damage(random, file)
				path := save(t, damaged)
				_, pdfErr := r.CheckPDF(t.Context(), path)
				_, imageErr := r.CleanImage(t.Context(), path, io.Discard)
				sheetErr := r.ContactSheet(t.Context(), []service.ContactItem{{Path: path}}, io.Discard)
				_, pagesErr := r.Pages(t.Context(), path, func(service.ForeignPage, io.Reader) error { return nil })
				for _, err := range []error{pdfErr, imageErr, sheetErr, pagesErr} {
					if refusal := (*service.Error)(nil); err != nil && !errors.As(err, &refusal) {
						t.Errorf("round %d: %v of\n%q", round, err, damaged)
					}
				}
			}
		})
	}
}

// damage changes a file as bad disks, bad programs and bad people do.
func damage(random *rand.Rand, file []byte) []byte {
	out := bytes.Clone(file)
	for range 1 + random.IntN(4) {
		if len(out) < 2 {
			break
		}
		from := random.IntN(len(out))
		to := min(len(out), from+1+random.IntN(64))
		switch random.IntN(6) {
		case 0: // bits
			for range 1 + random.IntN(8) {
				out[random.IntN(len(out))] ^= 1 << random.IntN(8)
			}
		case 1: // a piece lost
			out = append(out[:from:from], out[to:]...)
		case 2: // a piece twice
			out = append(out[:to:to], out[from:]...)
		case 3: // the largest numbers
			for i := from; i < min(to, from+4); i++ {
				out[i] = 0xff
			}
		case 4: // other digits, which changes lengths, counts and references
			for i := range out {
				if out[i] >= '0' && out[i] <= '9' && random.IntN(40) == 0 {
					out[i] = '0' + byte(random.IntN(10))
				}
			}
		case 5: // noise
			for i := from; i < to; i++ {
				out[i] = byte(random.IntN(256))
			}
		}
	}
	return out
}
