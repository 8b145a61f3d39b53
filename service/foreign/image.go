package foreign

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"os"

	"github.com/gen2brain/heic"
	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"
	"golang.org/x/image/webp"

	"flowbot/service"
)

// The types that are told apart, by their MIME names.
const (
	typePDF  = "application/pdf"
	typeJPEG = "image/jpeg"
	typePNG  = "image/png"
	typeGIF  = "image/gif"
	typeWebP = "image/webp"
	typeBMP  = "image/bmp"
	typeTIFF = "image/tiff"
	typeHEIC = "image/heic"
	typeZip  = "application/zip"
)

// sniff tells what a file is by its beginning, "" if it is nothing we read.
func sniff(b []byte) string {
	switch {
	case bytes.HasPrefix(b, []byte("\xff\xd8\xff")):
		return typeJPEG
	case bytes.HasPrefix(b, []byte("\x89PNG\r\n\x1a\n")):
		return typePNG
	case bytes.HasPrefix(b, []byte("GIF87a")), bytes.HasPrefix(b, []byte("GIF89a")):
		return typeGIF
	case len(b) >= 12 && string(b[:4]) == "RIFF" && string(b[8:12]) == "WEBP":
		return typeWebP
	case bytes.HasPrefix(b, []byte("II*\x00")), bytes.HasPrefix(b, []byte("MM\x00*")):
		return typeTIFF
	case isHEIC(b):
		return typeHEIC
	case isPDF(b):
		return typePDF
	case len(b) >= 26 && string(b[:2]) == "BM" && binary.LittleEndian.Uint32(b[6:]) == 0:
		return typeBMP
	default:
		return ""
	}
}

// isHEIC tells whether a file begins as HEIF with pictures coded by HEVC: the
// first box names its brands. Source: ISO/IEC 23008-12, 10.2.
func isHEIC(b []byte) bool {
	if len(b) < 16 || string(b[4:8]) != "ftyp" {
		return false
	}
	brands := b[8 : min(int(binary.BigEndian.Uint32(b)), len(b), 128)&^3]
	for i := 0; i+4 <= len(brands); i += 4 {
		switch string(brands[i : i+4]) {
		case "heic", "heix", "heim", "heis":
			return true
		}
	}
	return false
}

// maxSide is the longest side of a picture that JPEG can hold, in pixels.
const maxSide = 65535

// format is one way of writing pictures.
type format struct {
	config func(io.Reader) (image.Config, error)
	decode func(io.Reader) (image.Image, error) // the first page or frame
	// orientation finds the part of the file that says how the camera was held,
	// in the form of Exif; nil if the decoder turns pictures itself.
	orientation func([]byte) []byte
}

func formatOf(kind string) (format, bool) {
	switch kind {
	case typeJPEG:
		return format{jpeg.DecodeConfig, jpeg.Decode, exifOfJPEG}, true
	case typePNG:
		return format{png.DecodeConfig, png.Decode, exifOfPNG}, true
	case typeGIF:
		return format{gif.DecodeConfig, gif.Decode, nil}, true
	case typeWebP:
		return format{webp.DecodeConfig, webp.Decode, exifOfWebP}, true
	case typeBMP:
		return format{bmp.DecodeConfig, bmp.Decode, nil}, true
	case typeTIFF:
		return format{tiff.DecodeConfig, tiff.Decode, func(b []byte) []byte { return b }}, true
	case typeHEIC:
		return format{configOfHEIC, heic.Decode, nil}, true
	default:
		return format{}, false
	}
}

// readImage decodes a picture and turns it as its camera says.
func readImage(q question, path string) (image.Image, string, error) {
	f, beginning, size, err := head(path)
	if err != nil {
		return nil, "", err
	}
	defer func() { _ = f.Close() }()
	kind := sniff(beginning)
	how, ok := formatOf(kind)
	switch {
	case !ok:
		return nil, "", refuse(service.ReasonFileNotPicture, kind)
	case size > q.PictureBytes:
		return nil, "", exceeds(service.ReasonFileTooBig, q.PictureBytes, size)
	}
	b := make([]byte, size)
	if _, err := f.ReadAt(b, 0); err != nil && !errors.Is(err, io.EOF) {
		return nil, "", err
	}
	c, err := how.config(bytes.NewReader(b))
	if err != nil {
		return nil, "", refuse(service.ReasonFileBroken, "no size in "+kind)
	}
	if err := isBearable(q, c.Width, c.Height); err != nil {
		return nil, "", err
	}
	img, err := how.decode(bytes.NewReader(b))
	if err != nil {
		return nil, "", refuse(service.ReasonFileBroken, "cannot decode "+kind)
	}
	// The size in the header need not be the true one.
	if err := isBearable(q, img.Bounds().Dx(), img.Bounds().Dy()); err != nil {
		return nil, "", err
	}
	if how.orientation != nil {
		img = turn(img, orientation(how.orientation(b)))
	}
	return img, kind, nil
}

func isBearable(q question, width, height int) error {
	switch area := int64(width) * int64(height); {
	case width <= 0 || height <= 0:
		return refuse(service.ReasonFileBroken, "no pixels")
	case area > q.Pixels:
		return exceeds(service.ReasonFileTooManyPixels, q.Pixels, area)
	case width > maxSide || height > maxSide:
		return refuse(service.ReasonFileTooHeavy, "a side is longer than pictures can be")
	}
	return nil
}

// cleanImage writes a picture's pixels, and nothing else of it, to outFile.
func cleanImage(q question, path string) (service.ForeignFile, error) {
	img, kind, err := readImage(q, path)
	if err != nil {
		return service.ForeignFile{}, err
	}
	err = write(func(w io.Writer) error {
		if kind == typePNG {
			return png.Encode(w, img)
		}
		return jpeg.Encode(w, opaque(img), &jpeg.Options{Quality: 90})
	})
	if err != nil {
		return service.ForeignFile{}, err
	}
	return service.ForeignFile{
		Kind: service.ForeignImage, Type: kind,
		Width: img.Bounds().Dx(), Height: img.Bounds().Dy(),
	}, nil
}

func write(encode func(io.Writer) error) (err error) {
	f, err := os.OpenFile(outFile, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if err := encode(f); err != nil {
		return fmt.Errorf("write picture: %w", err)
	}
	return nil
}

// opaque lays a picture that one can see through on white, as JPEG has no other
// ground.
func opaque(img image.Image) image.Image {
	if o, ok := img.(interface{ Opaque() bool }); ok && o.Opaque() {
		return img
	}
	out := image.NewRGBA(image.Rect(0, 0, img.Bounds().Dx(), img.Bounds().Dy()))
	draw.Draw(out, out.Bounds(), image.NewUniform(color.White), image.Point{}, draw.Src)
	draw.Draw(out, out.Bounds(), img, img.Bounds().Min, draw.Over)
	return out
}

// turn undoes the camera's orientation, 1 to 8 as Exif counts them; others
// leave the picture as it is.
func turn(img image.Image, how int) image.Image {
	if how < 2 || how > 8 {
		return img
	}
	b := img.Bounds()
	w, h := b.Dx(), b.Dy()
	size := image.Rect(0, 0, w, h)
	if how >= 5 {
		size = image.Rect(0, 0, h, w)
	}
	// Where the pixel at x, y goes.
	to := map[int]func(x, y int) (int, int){
		2: func(x, y int) (int, int) { return w - 1 - x, y },
		3: func(x, y int) (int, int) { return w - 1 - x, h - 1 - y },
		4: func(x, y int) (int, int) { return x, h - 1 - y },
		5: func(x, y int) (int, int) { return y, x },
		6: func(x, y int) (int, int) { return h - 1 - y, x },
		7: func(x, y int) (int, int) { return h - 1 - y, w - 1 - x },
		8: func(x, y int) (int, int) { return y, w - 1 - x },
	}[how]
	// A row at a time through the standard library, which knows every kind of
	// picture well, then pixel by pixel in one kind.
	out, row := image.NewNRGBA(size), image.NewNRGBA(image.Rect(0, 0, w, 1))
	for y := range h {
		draw.Draw(row, row.Bounds(), img, image.Pt(b.Min.X, b.Min.Y+y), draw.Src)
		for x := range w {
			tx, ty := to(x, y)
			copy(out.Pix[out.PixOffset(tx, ty):][:4], row.Pix[4*x:4*x+4])
		}
	}
	return out
}

// orientation reads the tag of that name from the first directory of a TIFF,
// which is the form that Exif has; 1, upright, if it has none.
func orientation(b []byte) int {
	const tag, short = 0x0112, 3
	if len(b) < 8 {
		return 1
	}
	var order binary.ByteOrder = binary.LittleEndian
	switch string(b[:4]) {
	case "II*\x00":
	case "MM\x00*":
		order = binary.BigEndian
	default:
		return 1
	}
	at := uint64(order.Uint32(b[4:]))
	if at+2 > uint64(len(b)) {
		return 1
	}
	entries := uint64(order.Uint16(b[at:]))
	for i := range entries {
		entry := at + 2 + 12*i
		if entry+12 > uint64(len(b)) {
			return 1
		}
		e := b[entry:]
		if order.Uint16(e) == tag && order.Uint16(e[2:]) == short {
			return int(order.Uint16(e[8:]))
		}
	}
	return 1
}

var exifMark = []byte("Exif\x00\x00")

// exifOfJPEG finds the segment APP1 with Exif before the pixels begin.
func exifOfJPEG(b []byte) []byte {
	for i := 2; i+4 <= len(b) && b[i] == 0xff; {
		marker, length := b[i+1], int(binary.BigEndian.Uint16(b[i+2:]))
		if marker == 0xff { // padding
			i++
			continue
		}
		if marker == 0xda || length < 2 || i+2+length > len(b) {
			return nil
		}
		if body := b[i+4 : i+2+length]; marker == 0xe1 && bytes.HasPrefix(body, exifMark) {
			return body[len(exifMark):]
		}
		i += 2 + length
	}
	return nil
}

// exifOfPNG finds the chunk eXIf.
func exifOfPNG(b []byte) []byte {
	for i := 8; i+12 <= len(b); {
		length := int64(binary.BigEndian.Uint32(b[i:]))
		if int64(i)+12+length > int64(len(b)) {
			return nil
		}
		if string(b[i+4:i+8]) == "eXIf" {
			return b[i+8 : int64(i)+8+length]
		}
		i += int(12 + length)
	}
	return nil
}

// exifOfWebP finds the chunk EXIF, which some programs begin as in JPEG.
func exifOfWebP(b []byte) []byte {
	for i := 12; i+8 <= len(b); {
		length := int64(binary.LittleEndian.Uint32(b[i+4:]))
		if int64(i)+8+length > int64(len(b)) {
			return nil
		}
		if string(b[i:i+4]) == "EXIF" {
			return bytes.TrimPrefix(b[i+8:int64(i)+8+length], exifMark)
		}
		i += int(8 + length + length%2)
	}
	return nil
}

// configOfHEIC finds the largest picture that a HEIC names, without starting
// the decoder. Source: ISO/IEC 23008-12, 6.5.3: the property ispe is version
// and flags, width, height.
func configOfHEIC(r io.Reader) (image.Config, error) {
	b, err := io.ReadAll(r)
	if err != nil {
		return image.Config{}, err
	}
	var c image.Config
	for {
		i := bytes.Index(b, []byte("ispe\x00\x00\x00\x00"))
		if i < 0 || i+16 > len(b) {
			break
		}
		w, h := int(binary.BigEndian.Uint32(b[i+8:])), int(binary.BigEndian.Uint32(b[i+12:]))
		if int64(w)*int64(h) > int64(c.Width)*int64(c.Height) {
			c.Width, c.Height = w, h
		}
		b = b[i+16:]
	}
	return c, nil
}
