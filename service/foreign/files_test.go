package foreign_test

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"fmt"
	"hash/adler32"
	"hash/crc32"
	"image"
	"image/color"
	"image/draw"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pdfcpu/pdfcpu/pkg/api"
	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu/model"
	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"
)

// save writes a file under a name that says nothing about its content.
func save(t *testing.T, b []byte) string {
	t.Helper()
	f, err := os.CreateTemp(t.TempDir(), "upload")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return f.Name()
}

// assemble puts objects, the first of them the catalog, into a PDF. Those that
// are "" are left out, though the table names them.
func assemble(objects ...string) []byte {
	var out bytes.Buffer
	out.WriteString("%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
	at := make([]int, len(objects))
	for i, o := range objects {
		at[i] = out.Len()
		if o != "" {
			fmt.Fprintf(&out, "%d 0 obj\n%s\nendobj\n", i+1, o)
		}
	}
	table := out.Len()
	fmt.Fprintf(&out, "xref\n0 %d\n0000000000 65535 f \n", len(objects)+1)
	for _, a := range at {
		fmt.Fprintf(&out, "%010d 00000 n \n", a)
	}
	fmt.Fprintf(&out, "trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n", len(objects)+1, table)
	return out.Bytes()
}

// withObjectStream is a PDF whose only page stands in a stream of objects, so
// that every reader has to unpack it.
func withObjectStream(objects string) []byte {
	var out bytes.Buffer
	out.WriteString("%PDF-1.7\n")
	var table bytes.Buffer
	entry := func(kind byte, where, index int) {
		table.WriteByte(kind)
		table.Write(binary.BigEndian.AppendUint32(nil, uint32(where)))
		table.WriteByte(byte(index))
	}
	entry(0, 0, 255)
	for i, o := range []string{
		"<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Count 1 /Kids [4 0 R] >>", objects,
	} {
		entry(1, out.Len(), 0)
		fmt.Fprintf(&out, "%d 0 obj\n%s\nendobj\n", i+1, o)
	}
	entry(2, 3, 0)
	start := out.Len()
	entry(1, start, 0)
	fmt.Fprintf(&out, "5 0 obj\n%s\nendobj\nstartxref\n%d\n%%%%EOF\n",
		stream("/Type /XRef /Size 6 /W [1 4 1] /Root 1 0 R", table.Bytes()), start)
	return out.Bytes()
}

// stream is a stream object.
func stream(dict string, data []byte) string {
	return fmt.Sprintf("<< %s /Length %d >>\nstream\n%s\nendstream", dict, len(data), data)
}

const helvetica = "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"

// document is a PDF of n pages with a line of text each.
func document(n int) []byte { return documentWith(n, "", "[0 0 595 842]") }

// documentWith has something more in its catalog and pages of some size.
func documentWith(n int, catalog, mediaBox string) []byte {
	objects := []string{
		"<< /Type /Catalog /Pages 2 0 R " + catalog + " >>", "", helvetica,
	}
	var kids []string
	for i := range n {
		objects = append(objects,
			stream("", fmt.Appendf(nil, "BT /F1 24 Tf 50 700 Td (Sheet %d) Tj ET 40 680 500 2 re f", i+1)),
			fmt.Sprintf("<< /Type /Page /Parent 2 0 R /MediaBox %s /Contents %d 0 R /Resources << /Font << /F1 3 0 R >> >> >>",
				mediaBox, len(objects)+1))
		kids = append(kids, fmt.Sprintf("%d 0 R", len(objects)))
	}
	objects[1] = fmt.Sprintf("<< /Type /Pages /Count %d /Kids [%s] >>", n, strings.Join(kids, " "))
	return assemble(objects...)
}

// page is a PDF of one page with this content and other objects from number 4.
func page(content, resources string, others ...string) []byte {
	return assemble(append([]string{
		"<< /Type /Catalog /Pages 2 0 R >>",
		"<< /Type /Pages /Count 1 /Kids [3 0 R] >>",
		"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents " + content + " /Resources << " + resources + " >> >>",
	}, others...)...)
}

// scan is a PDF of one page that is a JPEG.
func scan(tb testing.TB) []byte {
	tb.Helper()
	return page("5 0 R", "/XObject << /I 4 0 R >>",
		stream("/Type /XObject /Subtype /Image /Width 120 /Height 80 /ColorSpace /DeviceRGB /BitsPerComponent 8 /Filter /DCTDecode",
			encodeJPEG(tb, drawing(120, 80))),
		stream("", []byte("q 595 0 0 400 0 200 cm /I Do Q")))
}

// locked is a document with an owner's password and a user's; without the
// latter it opens for reading.
func locked(t *testing.T, user string) []byte {
	t.Helper()
	api.DisableConfigDir()
	conf := model.NewAESConfiguration(user, "owner", 256)
	var out bytes.Buffer
	if err := api.Encrypt(bytes.NewReader(document(2)), &out, conf); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// deflatedZeros is a text and n MiB of zeros as zlib packs them, about 1 KiB for
// each, made without packing them all: after the first one each packs alike.
func deflatedZeros(t *testing.T, text string, mebibytes int) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := zlib.NewWriterLevel(&out, zlib.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	zeros := make([]byte, 1<<20)
	var marks []int
	for range 3 {
		if _, err := w.Write(zeros); err != nil {
			t.Fatal(err)
		}
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		marks = append(marks, out.Len())
	}
	whole := bytes.Clone(out.Bytes())
	packed := bytes.Clone(whole[:marks[0]])
	packed = append(packed, bytes.Repeat(whole[marks[1]:marks[2]], mebibytes-1)...)
	packed = append(packed, 1, 0, 0, 0xff, 0xff) // the last block, empty
	// Adler-32 is two sums; a zero leaves the first and adds it to the second.
	sums := adler32.Checksum([]byte(text))
	first, second := int64(sums&0xffff), int64(sums>>16)
	second = (second + first*(int64(mebibytes)<<20)) % 65521
	return binary.BigEndian.AppendUint32(packed, uint32(second<<16|first))
}

// packedTwice is deflatedZeros packed once more: 1 MiB of it stands for GiBs.
func packedTwice(t *testing.T, text string, mebibytes int) []byte {
	t.Helper()
	return deflate(t, deflatedZeros(t, text, mebibytes))
}

func deflate(tb testing.TB, b []byte) []byte {
	tb.Helper()
	var out bytes.Buffer
	w := zlib.NewWriter(&out)
	if _, err := w.Write(b); err != nil {
		tb.Fatal(err)
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return out.Bytes()
}

// laughs is a PDF whose page draws a form that draws ten forms that draw ten
// forms, and so on: some hundred bytes ask for 10^depth drawings.
func laughs(depth int) []byte {
	var others []string
	for i := range depth {
		next := fmt.Sprintf("%d 0 R", 5+i)
		others = append(others, stream(
			"/Type /XObject /Subtype /Form /BBox [0 0 595 842] /Resources << /XObject << /X "+next+" >> >>",
			[]byte(strings.Repeat("/X Do ", 10))))
	}
	others = append(others, stream("/Type /XObject /Subtype /Form /BBox [0 0 595 842]",
		[]byte(strings.Repeat("0 0 m 500 700 l 30 900 500 20 1 7 c s ", 100))))
	others = append(others, stream("", []byte("/X Do")))
	return page(fmt.Sprintf("%d 0 R", 3+len(others)), "/XObject << /X 4 0 R >>", others...)
}

// drawing is a picture whose corners differ: red, green, blue and white from
// the top left, line by line.
func drawing(w, h int) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for i, c := range []color.RGBA{{0xff, 0, 0, 0xff}, {0, 0xff, 0, 0xff}, {0, 0, 0xff, 0xff}, {0xff, 0xff, 0xff, 0xff}} {
		r := image.Rect(0, 0, w/2, h/2).Add(image.Pt(i%2*(w/2), i/2*(h/2)))
		draw.Draw(img, r, image.NewUniform(c), image.Point{}, draw.Src)
	}
	return img
}

func encodeJPEG(tb testing.TB, img image.Image) []byte {
	tb.Helper()
	var out bytes.Buffer
	if err := jpeg.Encode(&out, img, &jpeg.Options{Quality: 95}); err != nil {
		tb.Fatal(err)
	}
	return out.Bytes()
}

func encodePNG(t *testing.T, img image.Image) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestSpeed}).Encode(&out, img); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// encodeGIF is an animation of two frames, the first one the drawing.
func encodeGIF(t *testing.T, img image.Image) []byte {
	t.Helper()
	colours := color.Palette{
		color.RGBA{0xff, 0, 0, 0xff},
		color.RGBA{0, 0xff, 0, 0xff},
		color.RGBA{0, 0, 0xff, 0xff},
		color.RGBA{0xff, 0xff, 0xff, 0xff},
		color.RGBA{0, 0, 0, 0xff},
	}
	first := image.NewPaletted(img.Bounds(), colours)
	draw.Draw(first, first.Bounds(), img, image.Point{}, draw.Src)
	second := image.NewPaletted(img.Bounds(), colours)
	draw.Draw(second, second.Bounds(), image.NewUniform(color.Black), image.Point{}, draw.Src)
	var out bytes.Buffer
	if err := gif.EncodeAll(&out, &gif.GIF{Image: []*image.Paletted{first, second}, Delay: []int{10, 10}}); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func encodeBMP(t *testing.T, img image.Image) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := bmp.Encode(&out, img); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func encodeTIFF(t *testing.T, img image.Image) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := tiff.Encode(&out, img, &tiff.Options{Compression: tiff.Deflate}); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// exif is the least Exif there can be: the orientation, and where the picture
// was taken, as text that must not get out.
func exif(orientation int) []byte {
	var b []byte
	b = append(b, "MM\x00*"...)
	b = binary.BigEndian.AppendUint32(b, 8)
	b = binary.BigEndian.AppendUint16(b, 2)
	b = append(b, 0x01, 0x0e, 0, 2, 0, 0, 0, byte(len(secret)+1), 0, 0, 0, 38) // description
	b = append(b, 0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, byte(orientation), 0, 0)
	b = binary.BigEndian.AppendUint32(b, 0)
	return append(append(b, secret...), 0)
}

// secret stands in the metadata of pictures.
const secret = "at home, 55.75 N 37.62 E"

// jpegWithExif puts Exif into a JPEG.
func jpegWithExif(t *testing.T, b []byte, orientation int) []byte {
	t.Helper()
	body := append([]byte("Exif\x00\x00"), exif(orientation)...)
	segment := binary.BigEndian.AppendUint16([]byte{0xff, 0xe1}, uint16(len(body)+2))
	out := append([]byte{0xff, 0xd8}, append(segment, body...)...)
	return append(out, b[2:]...)
}

// pngWith puts a chunk into a PNG after its header.
func pngWith(t *testing.T, b []byte, kind string, body []byte) []byte {
	t.Helper()
	const header = 8 + 25
	out := bytes.Clone(b[:header])
	out = append(out, pngChunk(kind, body)...)
	return append(out, b[header:]...)
}

func pngChunk(kind string, body []byte) []byte {
	out := binary.BigEndian.AppendUint32(nil, uint32(len(body)))
	out = append(append(out, kind...), body...)
	return binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(out[4:]))
}

// pngBomb claims a size and holds as many zeros as that takes, packed.
func pngBomb(t *testing.T, side, mebibytes int) []byte {
	t.Helper()
	header := binary.BigEndian.AppendUint32(nil, uint32(side))
	header = binary.BigEndian.AppendUint32(header, uint32(side))
	header = append(header, 16, 6, 0, 0, 0) // 16 bits, colour with transparency
	out := []byte("\x89PNG\r\n\x1a\n")
	out = append(out, pngChunk("IHDR", header)...)
	out = append(out, pngChunk("IDAT", deflatedZeros(t, "", mebibytes))...)
	return append(out, pngChunk("IEND", nil)...)
}

func sample(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}
