package foreign

// #cgo LDFLAGS: -lturbojpeg
// #include <turbojpeg.h>
import "C"

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"runtime"
	"unsafe"

	"flowbot/service"
)

// libjpeg-turbo stands in this process, which is limited and thrown away, and
// not in a program of its own: it turns a page in 20 ms, and a page that is
// taken as it is costs nothing.

// writtenQuality is that of pages that must be written anew. Source: black on
// white at 85 has no rings that would join strokes; 90 leaves room.
const writtenQuality = 90

// jpegTool writes and turns JPEG. It is not safe for concurrent use.
type jpegTool struct{ handle C.tjhandle }

func newJPEGTool() (*jpegTool, error) {
	h := C.tjInitTransform()
	if h == nil {
		return nil, fmt.Errorf("start libjpeg-turbo: %s", C.GoString(C.tjGetErrorStr2(nil)))
	}
	t := &jpegTool{h}
	runtime.SetFinalizer(t, func(t *jpegTool) { C.tjDestroy(t.handle) })
	return t, nil
}

func (t *jpegTool) taken(code C.int, out *C.uchar, size C.ulong) ([]byte, error) {
	defer C.tjFree(out)
	if code != 0 || out == nil || size == 0 {
		return nil, refuse(service.ReasonFileBroken, "libjpeg-turbo finds it damaged")
	}
	return C.GoBytes(unsafe.Pointer(out), C.int(size)), nil
}

// turn undoes an orientation as Exif counts them without decoding the pixels.
// Where the side is no multiple of a block, up to 15 pixels of the edge go.
func (t *jpegTool) turn(b []byte, orientation int) ([]byte, error) {
	op, ok := map[int]C.int{
		2: C.TJXOP_HFLIP, 3: C.TJXOP_ROT180, 4: C.TJXOP_VFLIP, 5: C.TJXOP_TRANSPOSE,
		6: C.TJXOP_ROT90, 7: C.TJXOP_TRANSVERSE, 8: C.TJXOP_ROT270,
	}[orientation]
	if !ok {
		return b, nil
	}
	how := C.tjtransform{op: op, options: C.TJXOPT_COPYNONE | C.TJXOPT_TRIM}
	var out *C.uchar
	var size C.ulong
	code := C.tjTransform(t.handle, (*C.uchar)(unsafe.Pointer(&b[0])), C.ulong(len(b)), 1, &out, &size, &how, C.TJFLAG_LIMITSCANS) //nolint:gocritic // cgo checks the pointers
	if code != 0 && C.tjGetErrorCode(t.handle) == C.TJERR_WARNING {
		code = 0 // a few bytes too many before a marker: the picture is whole
	}
	return t.taken(code, out, size)
}

// encode writes a picture, one that can be seen through on white.
func (t *jpegTool) encode(img image.Image) ([]byte, error) {
	if g, ok := img.(*image.Gray); ok {
		return t.write(g.Pix, g.Rect, g.Stride, C.TJPF_GRAY, C.TJSAMP_GRAY)
	}
	return t.encodeRGBA(flat(img), isGray(img))
}

// encodeRGBA writes a picture that cannot be seen through.
func (t *jpegTool) encodeRGBA(img *image.RGBA, isGray bool) ([]byte, error) {
	sampling := C.int(C.TJSAMP_420)
	if isGray {
		sampling = C.TJSAMP_GRAY
	}
	return t.write(img.Pix, img.Rect, img.Stride, C.TJPF_RGBA, sampling)
}

func (t *jpegTool) write(pix []byte, size image.Rectangle, stride int, format, sampling C.int) ([]byte, error) {
	var out *C.uchar
	var length C.ulong
	code := C.tjCompress2(t.handle, (*C.uchar)(unsafe.Pointer(&pix[0])), C.int(size.Dx()), C.int(stride), C.int(size.Dy()), format,
		&out, &length, sampling, writtenQuality, 0) //nolint:gocritic // cgo checks the pointers
	return t.taken(code, out, length)
}

// flat lays a picture on white.
func flat(img image.Image) *image.RGBA {
	if rgba, ok := img.(*image.RGBA); ok && rgba.Opaque() {
		return rgba
	}
	out := image.NewRGBA(image.Rect(0, 0, img.Bounds().Dx(), img.Bounds().Dy()))
	draw.Draw(out, out.Rect, image.White, image.Point{}, draw.Src)
	draw.Draw(out, out.Rect, img, img.Bounds().Min, draw.Over)
	return out
}

// isGray tells whether the kind of a picture leaves no room for colour.
func isGray(img image.Image) bool {
	switch img := img.(type) {
	case *image.Gray, *image.Gray16:
		return true
	case *image.Paletted:
		for _, c := range img.Palette {
			if r, g, b, _ := c.RGBA(); r != g || g != b {
				return false
			}
		}
		return true
	}
	return img.ColorModel() == color.GrayModel
}

// plainJPEG is a JPEG without what is no picture: comments, thumbnails, what the
// camera knew, and bytes after its end.
type plainJPEG struct {
	bytes         []byte
	width, height int
	colours       int  // components
	isPlain       bool // 8 bits, grey or YCbCr, coded in a way that every program reads
}

// maxScans is the number of passes that a progressive picture may take: each
// costs as much as decoding it. Programs write about ten.
const maxScans = 100

// jfif says that three components are YCbCr, and nothing of size or place.
var jfif = []byte("\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00")

// stripJPEG walks through the segments of a JPEG and keeps what its picture
// needs. One without an end is cut off.
func stripJPEG(b []byte) (plainJPEG, error) {
	var p plainJPEG
	if !bytes.HasPrefix(b, []byte("\xff\xd8")) {
		return p, refuse(service.ReasonFileBroken, "no JPEG")
	}
	s := segments{b: b, at: 2}
	out := append(make([]byte, 0, len(b)), "\xff\xd8"...)
	out = append(out, jfif...)
	space, scans := spaces{}, 0
	for {
		marker, body, ok := s.next()
		switch {
		case !ok:
			return p, refuse(service.ReasonFileBroken, "a JPEG without its end")
		case marker == 0xd9:
			out = append(out, 0xff, 0xd9)
			p.bytes = out
			p.isPlain = p.isPlain && (p.colours == 1 || p.colours == 3 && space.isYCbCr())
			return p, nil
		case marker == 0xda:
			if scans++; scans > maxScans {
				return p, refuse(service.ReasonFileTooHeavy, "a JPEG of too many passes")
			}
			out = append(out, s.segmentWithScan(body)...)
			continue
		case marker == 0xe0 && bytes.HasPrefix(body, []byte("JFIF\x00")):
			space.isJFIF = true
		case marker == 0xee && bytes.HasPrefix(body, []byte("Adobe")) && len(body) >= 12:
			space.isAdobe, space.isRGB = true, body[11] == 0
		case isFrame(marker):
			if len(body) < 6 || len(body) < 6+3*int(body[5]) {
				return p, refuse(service.ReasonFileBroken, "a JPEG with half a header")
			}
			p.height, p.width = int(binary.BigEndian.Uint16(body[1:])), int(binary.BigEndian.Uint16(body[3:]))
			p.colours, p.isPlain = int(body[5]), body[0] == 8 && marker <= 0xc2
			if p.colours == 3 {
				space.names = [3]byte{body[6], body[9], body[12]}
			}
		}
		if marker >= 0xe0 && marker <= 0xef || marker == 0xfe {
			continue
		}
		out = append(append(out, 0xff, marker, byte((len(body)+2)>>8), byte(len(body)+2)), body...)
	}
}

// frameOf is the size of a JPEG in pixels, 0 if it has none.
func frameOf(b []byte) (width, height int) {
	s := segments{b: b}
	for {
		marker, body, ok := s.next()
		if !ok || marker == 0xd9 {
			return 0, 0
		}
		if isFrame(marker) && len(body) >= 5 {
			return int(binary.BigEndian.Uint16(body[3:])), int(binary.BigEndian.Uint16(body[1:]))
		}
	}
}

// isFrame tells whether a segment says how large the picture is: SOF0 to SOF15
// without the tables that stand among them.
func isFrame(marker byte) bool {
	return marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc
}

// spaces is what says whether three components are YCbCr. Source: the order in
// which libjpeg asks.
type spaces struct {
	isJFIF, isAdobe, isRGB bool
	names                  [3]byte
}

func (s spaces) isYCbCr() bool {
	switch {
	case s.isJFIF:
		return true
	case s.isAdobe:
		return !s.isRGB
	}
	return s.names != [3]byte{'R', 'G', 'B'}
}

// segments walks through a JPEG.
type segments struct {
	b  []byte
	at int
}

// next is the next segment that is more than padding; ok is false at the end of
// the bytes.
func (s *segments) next() (marker byte, body []byte, ok bool) {
	for s.at+1 < len(s.b) {
		if s.b[s.at] != 0xff { // bytes between segments mean nothing
			s.at++
			continue
		}
		marker = s.b[s.at+1]
		switch {
		case marker == 0xff:
			s.at++
			continue
		case marker == 0, marker == 1, marker >= 0xd0 && marker <= 0xd8:
			s.at += 2
			continue
		case marker == 0xd9:
			s.at += 2
			return marker, nil, true
		}
		if s.at+4 > len(s.b) {
			return 0, nil, false
		}
		end := s.at + 2 + int(binary.BigEndian.Uint16(s.b[s.at+2:]))
		if end < s.at+4 || end > len(s.b) {
			return 0, nil, false
		}
		body = s.b[s.at+4 : end]
		s.at = end
		return marker, body, true
	}
	return 0, nil, false
}

// segmentWithScan is the segment that was just read with the coded pixels after
// it, up to the next marker.
func (s *segments) segmentWithScan(body []byte) []byte {
	from := s.at - len(body) - 4
	for {
		i := bytes.IndexByte(s.b[s.at:], 0xff)
		if i < 0 || s.at+i+1 >= len(s.b) {
			s.at = len(s.b)
			return s.b[from:]
		}
		s.at += i
		if next := s.b[s.at+1]; next == 0 || next >= 0xd0 && next <= 0xd7 {
			s.at += 2
			continue
		}
		if s.b[s.at+1] == 0xff {
			s.at++
			continue
		}
		return s.b[from:s.at]
	}
}
