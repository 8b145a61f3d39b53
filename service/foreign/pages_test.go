package foreign_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/pdfcpu/pdfcpu/pkg/api"

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
	var colours strings.Builder
	for _, c := range [][2]int{{w / 4, h / 4}, {3 * w / 4, h / 4}, {w / 4, 3 * h / 4}, {3 * w / 4, 3 * h / 4}} {
		colours.WriteString(letter(img.At(c[0], c[1])))
	}
	return fmt.Sprintf("%dx%d %s", w, h, &colours)
}

// letter names a colour: capitals for the drawing's, black and white, small
// letters for what inks make of them, 1 to 3 for what they are in grey and 5 to 7
// for what half of each is on white.
func letter(c color.Color) string {
	r, g, b, _ := c.RGBA()
	best, least := "?", 20.0*20
	for name, rgb := range map[string][3]float64{
		"R": {255, 0, 0}, "G": {0, 255, 0}, "B": {0, 0, 255}, "W": {255, 255, 255}, "K": {0, 0, 0},
		"r": {237, 27, 36}, "g": {0, 166, 80}, "b": {46, 48, 146}, "5": {255, 127, 127}, "6": {127, 255, 127}, "7": {127, 127, 255},
		"1": {76, 76, 76}, "2": {150, 150, 150}, "3": {29, 29, 29},
	} {
		x, y, z := float64(r>>8)-rgb[0], float64(g>>8)-rgb[1], float64(b>>8)-rgb[2]
		if d := x*x + y*y + z*z; d < least {
			best, least = name, d
		}
	}
	return best
}

// sheet is a PDF of one page with this content; objects from number 5 are /I, /J
// and /K. Attributes may name another box than the drawing's own at 288 dpi.
func sheet(attributes, content string, objects ...string) []byte {
	if !strings.Contains(attributes, "/MediaBox") {
		attributes += " /MediaBox [0 0 24 36]"
	}
	return assemble(append([]string{
		"<< /Type /Catalog /Pages 2 0 R >>",
		"<< /Type /Pages /Count 1 /Kids [3 0 R] >>",
		"<< /Type /Page /Parent 2 0 R /Contents 4 0 R " + attributes + " /Resources << /XObject << /I 5 0 R /J 6 0 R /K 7 0 R >>" +
			" /ExtGState << /T << /ca 0.5 >> >> /Font << /F " + helvetica + " >> >> >>",
		stream("", []byte(content)),
	}, objects...)...)
}

// full shows a picture on the whole page.
const full = "q 24 0 0 36 0 0 cm /I Do Q "

// embedded is a picture of 96x144 in a PDF.
func embedded(dict string, data []byte) string {
	if !strings.Contains(dict, "/Width") {
		dict += " /Width 96 /Height 144"
	}
	return stream("/Type /XObject /Subtype /Image /BitsPerComponent "+bits(dict)+" "+dict, data)
}

func bits(dict string) string {
	if strings.Contains(dict, "CCITT") || strings.Contains(dict, "JBIG2") {
		return "1"
	}
	return "8"
}

const inColour = "/ColorSpace /DeviceRGB /Filter /DCTDecode"

// grey is the drawing without colours.
func grey(w, h int) *image.Gray {
	out := image.NewGray(image.Rect(0, 0, w, h))
	draw.Draw(out, out.Rect, drawing(w, h), image.Point{}, draw.Src)
	return out
}

// group4 is a black quarter on white, 96x144, as fax machines code it.
func group4() []byte {
	return bytes.Join([][]byte{{0x26, 0xa0, 0xc9}, bytes.Repeat([]byte{0xff}, 27), {0xf8}, bytes.Repeat([]byte{0xff}, 8), {0x80, 0x08, 0x00, 0x80}}, nil)
}

// directory is one page of a TIFF: its tags, and what the tags of offsets point to.
type directory struct {
	tags map[uint16]uint32
	data []byte
}

// tiffOf is a TIFF of pages whose data are one strip; tag 273 or 513 is set to
// where the data lie.
func tiffOf(pages ...directory) []byte {
	b := []byte("II*\x00\x00\x00\x00\x00")
	link := 4
	for _, p := range pages {
		data := uint32(len(b))
		b = append(b, p.data...)
		binary.LittleEndian.PutUint32(b[link:], uint32(len(b)))
		b = binary.LittleEndian.AppendUint16(b, uint16(len(p.tags)))
		for _, tag := range slices.Sorted(maps.Keys(p.tags)) {
			value := p.tags[tag]
			if tag == 273 || tag == 513 {
				value = data
			}
			b = binary.LittleEndian.AppendUint16(b, tag)
			b = binary.LittleEndian.AppendUint16(b, 4)
			b = binary.LittleEndian.AppendUint32(b, 1)
			b = binary.LittleEndian.AppendUint32(b, value)
		}
		link = len(b)
		b = append(b, 0, 0, 0, 0)
	}
	return b
}

// fax is a page in black and white with more tags.
func fax(more map[uint16]uint32) directory {
	tags := map[uint16]uint32{
		256: 96, 257: 144, 258: 1, 259: 4, 262: 0, 273: 0, 277: 1, 278: 144, 279: uint32(len(group4())),
	}
	maps.Copy(tags, more)
	return directory{tags, group4()}
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
func sheets(pictures ...[]byte) []byte { return sheetsWith("", "", pictures...) }

// sheetsWith has more to say of each page and of each picture.
func sheetsWith(ofPage, ofPicture string, pictures ...[]byte) []byte {
	objects := []string{"<< /Type /Catalog /Pages 2 0 R >>", "", stream("", []byte("q 595.2 0 0 841.92 0 0 cm /I Do Q"))}
	var kids []string
	for _, p := range pictures {
		c, err := jpeg.DecodeConfig(bytes.NewReader(p))
		if err != nil {
			panic(err)
		}
		n := len(objects)
		objects = append(objects,
			stream(fmt.Sprintf("/Type /XObject /Subtype /Image /Width %d /Height %d /ColorSpace /DeviceRGB /BitsPerComponent 8 /Filter /DCTDecode %s", c.Width, c.Height, ofPicture), p),
			fmt.Sprintf("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595.2 841.92] %s /Contents 3 0 R /Resources << /XObject << /I %d 0 R >> >> >>", ofPage, n+1))
		kids = append(kids, fmt.Sprintf("%d 0 R", n+2))
	}
	objects[1] = fmt.Sprintf("<< /Type /Pages /Count %d /Kids [%s] >>", len(kids), strings.Join(kids, " "))
	return assemble(objects...)
}

func TestPagesReadEveryKindOfFile(t *testing.T) {
	t.Parallel()
	colour := encodeJPEG(t, drawing(96, 144))
	plain := encodeJPEG(t, grey(96, 144))
	picture := embedded(inColour, colour)
	raw := drawing(96, 144)
	rgb := make([]byte, 0, 96*144*3)
	for i := 0; i < len(raw.Pix); i += 4 {
		rgb = append(rgb, raw.Pix[i:i+3]...)
	}
	const seen, black = "96x144 RGBW", "96x144 KWWW"
	tests := []struct {
		name string
		file []byte
		want []string
	}{
		{"a JPEG", colour, []string{seen}},
		{"a grey JPEG", plain, []string{"96x144 123W"}},
		{"a JPEG in CMYK", sample(t, "sample-cmyk.jpg"), []string{seen}},
		{"a JPEG with bytes behind it", append(bytes.Clone(colour), secret...), []string{seen}},
		{"a photo held upside down", jpegWithExif(t, colour, 3), []string{"96x144 WBGR"}},
		{"a photo held upright", jpegWithExif(t, colour, 6), []string{"144x96 BRWG"}},
		{"a PNG", encodePNG(t, drawing(96, 144)), []string{seen}},
		{"a grey PNG", encodePNG(t, grey(96, 144)), []string{"96x144 123W"}},
		{"a PNG that can be seen through", encodePNG(t, image.NewNRGBA(image.Rect(0, 0, 96, 144))), []string{"96x144 WWWW"}},
		{"a GIF", encodeGIF(t, drawing(96, 144)), []string{seen}},
		{"a BMP", encodeBMP(t, drawing(96, 144)), []string{seen}},
		{"a WebP", sample(t, "sample.webp"), []string{"150x100 33??"}},
		{"a HEIC", sample(t, "sample.heic"), []string{"600x400 RGBW"}},

		{"a TIFF in every coding", sample(t, "sample.tiff"), []string{black, black, black, black, black, black, seen, seen, seen, seen}},
		{"a TIFF with a thumbnail", tiffOf(fax(nil), fax(map[uint16]uint32{254: 1}), fax(nil)), []string{black, black}},
		{"a TIFF turned", tiffOf(fax(map[uint16]uint32{274: 6})), []string{"144x96 WKWW"}},
		{"a TIFF with an old JPEG", tiffOf(directory{map[uint16]uint32{
			256: 96, 257: 144, 258: 8, 259: 6, 262: 6, 277: 3, 278: 144, 512: 1, 513: 0, 514: uint32(len(colour)), 273: 0, 279: uint32(len(colour)),
		}, colour}), []string{seen}},
		{
			"a TIFF with a broken page", tiffOf(fax(nil), directory{fax(nil).tags, nil}, fax(map[uint16]uint32{256: 1 << 20, 257: 1 << 20}), fax(nil)),
			[]string{black, "file.broken", "file.too_many_pixels", black},
		},

		{"a PDF with a JPEG", sheet("", full, picture), []string{seen}},
		{"a PDF with a grey JPEG", sheet("", full, embedded("/ColorSpace /DeviceGray /Filter /DCTDecode", plain)), []string{"96x144 123W"}},
		{"a JPEG packed once more", sheet("", full, embedded("/ColorSpace /DeviceRGB /Filter [/FlateDecode /DCTDecode]", deflate(t, colour))), []string{seen}},
		{"a page turned", sheet("/Rotate 90", full, picture), []string{"144x96 BRWG"}},
		{"a page turned the other way", sheet("/Rotate -90", full, picture), []string{"144x96 GWRB"}},
		{"a picture turned on its page", sheet("/MediaBox [0 0 36 24]", "0 24 -36 0 36 0 cm /I Do", picture), []string{"144x96 GWRB"}},
		{"a picture drawn as in a mirror", sheet("", "-24 0 0 36 24 0 cm /I Do", picture), []string{"96x144 GRWB"}},
		{"a picture drawn twice", sheet("", full+full, picture), []string{seen}},
		{"a picture on white", sheet("", "1 g 0 0 24 36 re f "+full, picture), []string{seen}},
		{"a picture within a border", sheet("", "0 0 24 36 re W n "+full, picture), []string{seen}},
		{"a picture with a margin", sheet("/MediaBox [0 0 30 40]", full, picture), []string{seen}},
		{"a picture over a letter", sheet("", "BT /F 20 Tf 2 9 Td (Ab) Tj ET "+full, picture), []string{seen}},
		{"a picture under letters that are not seen", sheet("", full+"BT 3 Tr /F 20 Tf 2 9 Td (Ab) Tj ET", picture), []string{seen}},
		{"a picture in a form", sheet("", "/J Do", picture,
			stream("/Type /XObject /Subtype /Form /BBox [0 0 1 1] /Matrix [24 0 0 36 0 0] /Resources << /XObject << /I 5 0 R >> >>", []byte("/I Do"))), []string{seen}},
		{"a soft mask that hides nothing", sheet("", full, embedded(inColour+" /SMask 6 0 R", colour),
			embedded("/ColorSpace /DeviceGray", bytes.Repeat([]byte{255}, 96*144))), []string{seen}},
		{"pixels without a coding", sheet("", full, embedded("/ColorSpace /DeviceRGB", rgb)), []string{seen}},
		{"pixels packed", sheet("", full, embedded("/ColorSpace /DeviceRGB /Filter /FlateDecode", deflate(t, rgb))), []string{seen}},
		{"a negative", sheet("", full, embedded("/ColorSpace /DeviceGray /Decode [1 0] /Filter /DCTDecode", encodeJPEG(t, image.NewGray(image.Rect(0, 0, 96, 144))))), []string{"96x144 WWWW"}},
		{"a JPEG in CMYK on a page", sheet("", full, embedded("/ColorSpace /DeviceCMYK /Decode [1 0 1 0 1 0 1 0] /Filter /DCTDecode", sample(t, "sample-cmyk.jpg"))), []string{"96x144 rgbW"}},
		{"JPEG 2000", sheet("", full, embedded("/Filter /JPXDecode", sample(t, "sample.jp2"))), []string{seen}},
		{"CCITT", sheet("", full, embedded("/ColorSpace /DeviceGray /Filter /CCITTFaxDecode /DecodeParms << /K -1 /Columns 96 /Rows 144 >>", group4())), []string{black}},
		{"JBIG2", sheet("", full, embedded("/ColorSpace /DeviceGray /Filter /JBIG2Decode", sample(t, "sample.jb2"))), []string{black}},
		{"stripes", sheet("", "q 24 0 0 18 0 18 cm /I Do Q q 24 0 0 18 0 0 cm /J Do Q",
			embedded(inColour+" /Width 96 /Height 72", encodeJPEG(t, drawing(96, 144).SubImage(image.Rect(0, 0, 96, 72)))),
			embedded(inColour+" /Width 96 /Height 72", encodeJPEG(t, drawing(96, 144).SubImage(image.Rect(0, 72, 96, 144))))), []string{"100x150 RGBW"}},
		{"a picture with a stamp", sheet("", full+"0 0 1 rg 12 0 12 18 re f", picture), []string{"100x150 RGBB"}},
		{"a picture half seen through", sheet("", "/T gs "+full, picture), []string{"100x150 567W"}},
		{"a picture cut to a part", sheet("/CropBox [0 18 12 36]", full, picture), []string{"48x72 RRRR"}},
		{"nothing but drawing", sheet("", "1 0 0 rg 0 18 12 18 re f"), []string{"100x150 RWWW"}},
		{"an empty page", sheet("", ""), []string{"100x150 WWWW"}},
		{"a page as large as PDF allows", sheet("/MediaBox [0 0 14400 14400]", ""), []string{"4473x4473 WWWW"}},
	}
	r := newReader(t, foreign.Options{})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			pages, _, err := takePages(t, r, tt.file)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for i, p := range pages {
				if p.Number != i+1 {
					t.Errorf("page %d has number %d", i+1, p.Number)
				}
				got = append(got, looks(t, p))
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// coded is the part of a JPEG that holds its pixels.
func coded(t *testing.T, b []byte) []byte {
	t.Helper()
	i := bytes.Index(b, []byte{0xff, 0xda})
	if i < 0 {
		t.Fatal("no pixels")
	}
	return b[i:]
}

func TestPagesAreTheScannersOwnJPEG(t *testing.T) {
	t.Parallel()
	colour := encodeJPEG(t, drawing(198, 280))
	var optimized bytes.Buffer
	api.DisableConfigDir()
	if err := api.Optimize(bytes.NewReader(sheets(colour, colour)), &optimized, nil); err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(optimized.Bytes(), []byte("/ObjStm")) {
		t.Fatal("pdfcpu packed no objects")
	}
	r := newReader(t, foreign.Options{})
	for name, file := range map[string][]byte{
		"a file":                   jpegWithExif(t, colour, 1),
		"a page":                   sheets(colour),
		"under a layer of letters": sheet("/MediaBox [0 0 99 140]", "q 99 0 0 140 0 0 cm /I Do Q BT 3 Tr /F 9 Tf (Ab) Tj ET", embedded(inColour+" /Width 198 /Height 280", colour)),
		"packed objects":           optimized.Bytes(),
	} {
		pages, _, err := takePages(t, r, file)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, p := range pages {
			if !bytes.Equal(coded(t, p.content), coded(t, colour)) {
				t.Errorf("%s: page %d was coded anew", name, p.Number)
			}
		}
	}
}

func TestPagesWithoutColoursAreWrittenWithoutThem(t *testing.T) {
	t.Parallel()
	r := newReader(t, foreign.Options{})
	for name, file := range map[string][]byte{
		"PNG":   encodePNG(t, grey(96, 144)),
		"TIFF":  tiffOf(fax(nil)),
		"CCITT": sheet("", full, embedded("/ColorSpace /DeviceGray /Filter /CCITTFaxDecode /DecodeParms << /K -1 /Columns 96 /Rows 144 >>", group4())),
		"JBIG2": sheet("", full, embedded("/ColorSpace /DeviceGray /Filter /JBIG2Decode", sample(t, "sample.jb2"))),
	} {
		pages, _, err := takePages(t, r, file)
		if err != nil || len(pages) != 1 {
			t.Fatalf("%s: %d pages, %v", name, len(pages), err)
		}
		c, err := jpeg.DecodeConfig(bytes.NewReader(pages[0].content))
		if err != nil || c.ColorModel != color.GrayModel {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestPagesSayWhatTheFileIs(t *testing.T) {
	t.Parallel()
	colour := encodeJPEG(t, drawing(198, 280))
	r := newReader(t, foreign.Options{})
	for _, tt := range []struct {
		file []byte
		want service.ForeignFile
	}{
		{colour, service.ForeignFile{Kind: service.ForeignImage, Type: "image/jpeg", Pages: 1, Width: 198, Height: 280}},
		{sample(t, "sample.tiff"), service.ForeignFile{Kind: service.ForeignImage, Type: "image/tiff", Pages: 10}},
		{sheets(colour, colour), service.ForeignFile{Kind: service.ForeignPDF, Type: "application/pdf", Pages: 2}},
		{
			archive(t, entry{name: "1.jpg", content: string(colour)}, entry{name: "2", content: "text"}),
			service.ForeignFile{Kind: service.ForeignArchive, Type: "application/zip", Pages: 2},
		},
	} {
		_, got, err := takePages(t, r, tt.file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Error(diff)
		}
	}
}

// office is a document as an office program packs it.
func office(t *testing.T) []byte {
	t.Helper()
	return archive(t, entry{name: "[Content_Types].xml", content: "<Types/>"}, entry{name: "word/document.xml", content: "<w:document/>"})
}

func TestPagesOfAnArchiveComeInTheOrderOfItsNames(t *testing.T) {
	t.Parallel()
	colour := string(encodeJPEG(t, drawing(198, 280)))
	encrypted := func(h *zip.FileHeader) { h.Flags |= 1 }
	link := func(h *zip.FileHeader) { h.SetMode(0o777 | os.ModeSymlink) }
	b := archive(t,
		entry{name: "scans/page10.jpg", content: colour},
		entry{name: "scans/Page2.JPG", content: colour},
		entry{name: "scans/page 1.pdf", content: string(sheets([]byte(colour), []byte(colour)))},
		entry{name: "scans/"},
		entry{name: "scans/.DS_Store", content: "x"},
		entry{name: "scans/Thumbs.db", content: "x"},
		entry{name: "__MACOSX/scans/._page10.jpg", content: "x"},
		entry{name: "__MACOSX/._more", content: "x"},
		entry{name: "scans/sub/page1.tif", content: string(sample(t, "sample.tiff"))},
		entry{name: "z/letter.txt", content: "Добрый день"},
		entry{name: "z/empty.jpg"},
		entry{name: "z/archive.jpg", content: string(archive(t, entry{name: "1.jpg", content: colour}))},
		entry{name: "z/contract.docx", content: string(office(t))},
		entry{name: "z/damaged.DOCX", content: string(office(t)[:60])},
		entry{name: "z/cut.pdf", content: string(document(3)[:700])},
		entry{name: "z/locked.pdf", content: string(locked(t, "secret"))},
		entry{name: "z/../../evil.jpg", content: colour},
		entry{name: "z/link.jpg", content: "/etc/passwd", header: link},
		entry{name: "z/locked.jpg", content: colour, header: encrypted},
		entry{name: "z/zeros.bmp", content: string(make([]byte, 8<<20))},
		entry{name: "скан 2.jpg", content: colour},
		entry{name: "скан 10.jpg", content: colour},
	)
	pages, _, err := takePages(t, newReader(t, foreign.Options{}), b)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for i, p := range pages {
		if p.Number != i+1 {
			t.Errorf("page %d has number %d", i+1, p.Number)
		}
		got = append(got, p.Name+" "+looks(t, p))
	}
	want := []string{
		"page 1.pdf 198x280 RGBW", "page 1.pdf 198x280 RGBW",
		"Page2.JPG 198x280 RGBW", "page10.jpg 198x280 RGBW",
		"page1.tif 96x144 KWWW", "page1.tif 96x144 KWWW", "page1.tif 96x144 KWWW", "page1.tif 96x144 KWWW", "page1.tif 96x144 KWWW",
		"page1.tif 96x144 KWWW", "page1.tif 96x144 RGBW", "page1.tif 96x144 RGBW", "page1.tif 96x144 RGBW", "page1.tif 96x144 RGBW",
		"evil.jpg 198x280 RGBW", "archive.jpg archive.nested", "contract.docx file.not_pdf", "cut.pdf file.broken", "damaged.DOCX file.not_pdf", "empty.jpg file.empty",
		"letter.txt file.not_pdf", "link.jpg archive.odd_entry", "locked.jpg file.encrypted", "locked.pdf file.encrypted",
		"zeros.bmp file.too_heavy",
		"скан 2.jpg 198x280 RGBW", "скан 10.jpg 198x280 RGBW",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestPagesRefuseFilesThatCannotBeRead(t *testing.T) {
	t.Parallel()
	colour := encodeJPEG(t, drawing(198, 280))
	three := sheets(colour, colour, colour)
	tests := []struct {
		name string
		file []byte
		want service.Reason
	}{
		{"no bytes", nil, service.ReasonFileEmpty},
		{"a text", []byte("Список сдающих"), service.ReasonFileNotPDF},
		{"a PDF with a password", locked(t, "secret"), service.ReasonFileEncrypted},
		{"a PDF with a password for changes", locked(t, ""), service.ReasonFileEncrypted},
		{"the first half of a PDF", three[:len(three)/2], service.ReasonFileBroken},
		{"all but the end of a PDF", three[:len(three)-8], service.ReasonFileBroken},
		{"a PDF without pages", assemble("<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Count 0 /Kids [] >>"), service.ReasonFileBroken},
		{"a page tree that contains itself", assemble("<< /Type /Catalog /Pages 2 0 R >>",
			"<< /Type /Pages /Count 2 /Kids [2 0 R 2 0 R] >>"), service.ReasonFileBroken},
		{"a JPEG cut off", colour[:len(colour)-20], service.ReasonFileBroken},
		{"the head of a JPEG", colour[:100], service.ReasonFileBroken},
		{"a JPEG of too many passes", manyPasses(colour), service.ReasonFileTooHeavy},
		{"a PNG cut off", encodePNG(t, drawing(96, 144))[:200], service.ReasonFileBroken},
		{"a PNG that claims too much", pngBomb(t, 30000, 1), service.ReasonFileTooManyPixels},
		{"a TIFF cut off", sample(t, "sample.tiff")[:4000], service.ReasonFileBroken},
		{"a TIFF whose pages go round", ringTIFF(), service.ReasonFileBroken},
		{"the head of a TIFF", []byte("II*\x00"), service.ReasonFileBroken},
		{"six pages of a PDF", sheets(colour, colour, colour, colour, colour, colour), service.ReasonFileTooManyPages},
		{"ten pages of a TIFF", sample(t, "sample.tiff"), service.ReasonFileTooManyPages},
		{
			"six files in an archive", archive(t, entry{name: "1"}, entry{name: "2"}, entry{name: "3"}, entry{name: "4"}, entry{name: "5"}, entry{name: "6"}),
			service.ReasonFileTooManyPages,
		},
		{"a document of an office", office(t), service.ReasonFileNotPDF},
		{"an archive of nothing", archive(t, entry{name: "a/"}, entry{name: "a/.DS_Store", content: "x"}), service.ReasonArchiveEmpty},
		{"an archive cut off", archive(t, entry{name: "1.jpg", content: string(colour)})[:300], service.ReasonArchiveNotZip},
		{"more bytes than are taken", append(bytes.Clone(three), make([]byte, 1<<20)...), service.ReasonFileTooBig},
	}
	r := newReader(t, foreign.Options{ScanPages: 5, ScanBytes: 1 << 20})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			pages, _, err := takePages(t, r, tt.file)
			if got := reasonOf(t, err); got != tt.want {
				t.Errorf("%q, want %q: %v", got, tt.want, err)
			}
			if len(pages) != 0 {
				t.Errorf("%d pages came first", len(pages))
			}
		})
	}
}

// manyPasses is a JPEG that is drawn over and over.
func manyPasses(b []byte) []byte {
	i := bytes.Index(b, []byte{0xff, 0xda})
	scan := b[i : len(b)-2]
	return append(append(bytes.Clone(b[:i]), bytes.Repeat(scan, 200)...), 0xff, 0xd9)
}

// ringTIFF is a TIFF whose last page is followed by its first.
func ringTIFF() []byte {
	b := tiffOf(fax(nil), fax(nil))
	copy(b[len(b)-4:], b[4:8])
	return b
}

func TestPagesOfABrokenPDFLeaveTheOthers(t *testing.T) {
	t.Parallel()
	colour := encodeJPEG(t, drawing(198, 280))
	jbig2 := sample(t, "sample.jb2")
	// Three pages, the second of which names a picture that cannot be decoded.
	file := func(count string, second string) []byte {
		onePage := func(picture int) string {
			return fmt.Sprintf("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 99 140] /Contents 3 0 R /Resources << /XObject << /I %d 0 R >> >> >>", picture)
		}
		return assemble("<< /Type /Catalog /Pages 2 0 R >>",
			"<< /Type /Pages /Count "+count+" /Kids [6 0 R 7 0 R 8 0 R] >>",
			stream("", []byte("q 99 0 0 140 0 0 cm /I Do Q")),
			embedded(inColour+" /Width 198 /Height 280", colour), second,
			onePage(4), onePage(5), onePage(4))
	}
	const whole = "198x280 RGBW"
	tests := []struct {
		name string
		file []byte
		want []string
	}{
		{"a JPEG cut off", file("3", embedded(inColour+" /Width 198 /Height 280", colour[:len(colour)/2])), []string{whole, "file.broken", whole}},
		{"JBIG2 cut off", file("3", embedded("/ColorSpace /DeviceGray /Filter /JBIG2Decode", jbig2[:60])), []string{whole, "file.broken", whole}},
		{"JPEG 2000 cut off", file("3", embedded("/Filter /JPXDecode", sample(t, "sample.jp2")[:300])), []string{whole, "file.broken", whole}},
		{"a picture packed badly", file("3", embedded("/ColorSpace /DeviceRGB /Filter /FlateDecode", []byte("x\x9c????"))), []string{whole, "file.broken", whole}},
		{"more pixels than are taken", file("3", embedded(inColour+" /Width 198 /Height 280", tall(colour))), []string{whole, "file.too_many_pixels", whole}},
		{"a count that is too small", file("2", embedded(inColour+" /Width 198 /Height 280", colour)), []string{whole, whole, whole}},
		{"a count that is too large", file("4", embedded(inColour+" /Width 198 /Height 280", colour)), []string{whole, whole, whole, "file.broken"}},
	}
	r := newReader(t, foreign.Options{})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			pages, _, err := takePages(t, r, tt.file)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, p := range pages {
				got = append(got, looks(t, p))
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// tall is a JPEG that claims to be as large as any can be.
func tall(b []byte) []byte {
	b = bytes.Clone(b)
	i := bytes.Index(b, []byte{0xff, 0xc0})
	binary.BigEndian.PutUint16(b[i+5:], 65500)
	binary.BigEndian.PutUint16(b[i+7:], 65500)
	return b
}

func TestPagesThatPDFsHideInTheirTreesAreNotLost(t *testing.T) {
	t.Parallel()
	colour := encodeJPEG(t, drawing(198, 280))
	file := sheets(colour, colour, colour, colour)
	lying := bytes.Replace(file, []byte("/Count 4"), []byte("/Count 1"), 1)
	pages, _, err := takePages(t, newReader(t, foreign.Options{ScanPages: 4}), lying)
	if err != nil || len(pages) != 4 {
		t.Errorf("%d pages: %v", len(pages), err)
	}
	pages, _, err = takePages(t, newReader(t, foreign.Options{ScanPages: 3}), lying)
	if got := reasonOf(t, err); got != service.ReasonFileTooManyPages || len(pages) != 0 {
		t.Errorf("%d pages: %v", len(pages), err)
	}
}

func TestPagesComeWhileTheRestIsBeingRead(t *testing.T) {
	t.Parallel()
	colour := encodeJPEG(t, drawing(198, 280))
	pictures := make([][]byte, 60)
	for i := range pictures {
		pictures[i] = colour
	}
	temp := t.TempDir()
	r, err := foreign.New(foreign.Options{Command: []string{child}, TempDir: temp})
	if err != nil {
		t.Fatal(err)
	}
	most := 0
	_, err = r.Pages(t.Context(), save(t, sheets(pictures...)), func(p service.ForeignPage, _ io.Reader) error {
		// The first page waits here until the child has written the next one.
		for {
			files, err := filepath.Glob(filepath.Join(temp, "*", "page-*"))
			if most = max(most, len(files)); p.Number > 1 || len(files) > 1 || err != nil {
				return err
			}
			runtime.Gosched()
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if most > 10 { // all 60 would lie there if the child did not wait
		t.Errorf("%d pages lay in the child's directory", most)
	}
}

// playing is a child that is played by a script.
func playing(script string) foreign.Options {
	return foreign.Options{Command: []string{"sh", "-c", "read question; echo ready; " + script}}
}

const (
	givesPage = `printf x > page-1; echo '{"Page":{"Number":1,"Width":1,"Height":1}}'; `
	answers   = `echo '{"File":{"Kind":"pdf","Pages":1}}'; `
)

func TestPagesAreTakenBeforeTheChildGoesOn(t *testing.T) {
	t.Parallel()
	// It waits for the page to be taken before it says more.
	got, f, err := takePages(t, newReader(t, playing(givesPage+"read taken; "+answers)), document(1))
	if err != nil || len(got) != 1 || string(got[0].content) != "x" || f.Pages != 1 {
		t.Errorf("%v, %v, %v", got, f, err)
	}
}

func TestPagesBeforeTheChildDiesAreTaken(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		script string
		want   service.Reason
	}{
		"killed":          {givesPage + "read taken; kill -9 $$", service.ReasonFileTooHeavy},
		"without answer":  {givesPage + "read taken; exit 0", service.ReasonFileTooHeavy},
		"a fault in C":    {givesPage + "read taken; echo 'signal arrived during cgo execution' >&2; exit 2", service.ReasonFileBroken},
		"stack too deep":  {givesPage + "read taken; echo 'runtime: goroutine stack exceeds' >&2; exit 2", service.ReasonFileBroken},
		"answers refusal": {givesPage + `read taken; echo '{"Refusal":{"Reason":"file.broken"}}'`, service.ReasonFileBroken},
	} {
		got, _, err := takePages(t, newReader(t, playing(tt.script)), document(1))
		if reason := reasonOf(t, err); reason != tt.want || len(got) != 1 {
			t.Errorf("%s: %d pages, %v", name, len(got), err)
		}
	}
}

func TestPagesOfAChildThatWasTakenOverAreNotBelieved(t *testing.T) {
	t.Parallel()
	secret := save(t, []byte(secret))
	for name, script := range map[string]string{
		"none of ours":           "",
		"a link":                 "ln -s " + secret + ` page-1; echo '{"Page":{"Number":1}}'; ` + answers,
		"a pipe":                 `mkfifo page-1; echo '{"Page":{"Number":1}}'; ` + answers,
		"a page that is not":     `echo '{"Page":{"Number":1}}'; ` + answers,
		"a number out of turn":   `printf x > page-7; echo '{"Page":{"Number":7}}'; ` + answers,
		"too many pages":         givesPage + `printf x > page-2; echo '{"Page":{"Number":2}}'; ` + answers,
		"no JSON":                "echo hello; " + answers,
		"a line without an end":  "yes | tr -d '\\n'",
		"pages that never begin": "sleep 100 & sleep 100",
	} {
		o := playing(script)
		o.ScanPages = 1
		if name == "none of ours" {
			o.Command = []string{"echo", "hello"}
		}
		if name == "pages that never begin" {
			o.Wall = 100 * time.Millisecond
		}
		got, _, err := takePages(t, newReader(t, o), document(1))
		if err == nil {
			t.Errorf("%s: is believed", name)
		}
		for _, p := range got {
			if bytes.Contains(p.content, []byte(secret)) {
				t.Errorf("%s: a file of ours got out", name)
			}
		}
	}
}

func TestAnErrorOfTakeEndsTheChild(t *testing.T) {
	t.Parallel()
	full := errors.New("the disk is full")
	calls := 0
	// It would go on for ever.
	r := newReader(t, playing(givesPage+"sleep 1000 & sleep 1000"))
	_, err := r.Pages(t.Context(), save(t, document(1)), func(service.ForeignPage, io.Reader) error {
		calls++
		return full
	})
	if !errors.Is(err, full) || calls != 1 {
		t.Errorf("%d calls, %v", calls, err)
	}
}

func TestPagesEndWithTheirContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	r := newReader(t, playing(givesPage+"sleep 1000 & sleep 1000"))
	_, err := r.Pages(ctx, save(t, document(1)), func(service.ForeignPage, io.Reader) error {
		cancel()
		return nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestPagesOfBombsAreRefused(t *testing.T) {
	t.Parallel()
	zeros := stream("/Type /XObject /Subtype /Image /Width 50000 /Height 50000 /BitsPerComponent 8 /ColorSpace /DeviceGray /Filter /FlateDecode", deflatedZeros(t, "", 2400))
	tests := map[string][]byte{
		"forms within forms":        laughs(9),
		"a picture of 2.5 GB":       sheet("", full, zeros),
		"a table of objects of GBs": withTable(packedTwice(t, "", 3000)),
	}
	r := newReader(t, foreign.Options{Memory: 300 << 20, ScanTime: time.Second})
	for name, file := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pages, _, err := takePages(t, r, file)
			if err == nil && (len(pages) != 1 || pages[0].Refusal == "") {
				t.Errorf("%d pages, %v", len(pages), err)
			}
			if err != nil {
				reasonOf(t, err)
			}
		})
	}
}

// withTable is a PDF whose table of objects is packed twice.
func withTable(packed []byte) []byte {
	b := []byte("%PDF-1.7\n")
	at := len(b)
	b = append(b, "1 0 obj\n"+stream("/Type /XRef /Size 90000 /W [1 4 1] /Root 2 0 R /Filter [/FlateDecode /FlateDecode]", packed)+"\nendobj\n"...)
	return fmt.Appendf(b, "startxref\n%d\n%%%%EOF\n", at)
}
