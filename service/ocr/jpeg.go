package ocr

// #cgo LDFLAGS: -lturbojpeg
// #include <turbojpeg.h>
import "C"

import (
	"errors"
	"fmt"
	"runtime"
	"unsafe"
)

// decoder reads JPEG with libjpeg-turbo, which is several times faster than the
// standard library and can give half the size at once. It is not safe for
// concurrent use.
type decoder struct{ handle C.tjhandle }

func newDecoder() (*decoder, error) {
	h := C.tjInitDecompress()
	if h == nil {
		return nil, errors.New("start the JPEG decoder")
	}
	d := &decoder{h}
	runtime.SetFinalizer(d, func(d *decoder) { C.tjDestroy(d.handle) })
	return d, nil
}

var errNotJPEG = errors.New("not a JPEG picture")

// size is the size of a picture in pixels.
func (d *decoder) size(data []byte) (w, h int, err error) {
	head, err := d.head(data)
	return head.w, head.h, err
}

// jpegHead is what a picture says of itself before its pixels.
type jpegHead struct {
	w, h  int
	gray  bool
	block int // the side of a square, in pixels, into which both sides of its smallest coded blocks fit
}

// restart takes a new decoder: one that has met a head it cannot read goes on
// from there with the next picture. Seen with libjpeg-turbo 2.1.
func (d *decoder) restart() error {
	h := C.tjInitDecompress()
	if h == nil {
		return errors.New("start the JPEG decoder")
	}
	C.tjDestroy(d.handle)
	d.handle = h
	return nil
}

// mostPixels is the area of the largest picture that is worked. Source: foreign,
// which every page comes through, lets no larger one pass. A head can tell of 4,290
// megapixels in a hundred bytes, and to look for them took 70 seconds.
const mostPixels = 60_000_000

var errTooLarge = errors.New("a picture of too many pixels")

// head reads the head of a picture.
func (d *decoder) head(data []byte) (jpegHead, error) {
	if len(data) < 4 {
		return jpegHead{}, errNotJPEG
	}
	var cw, ch, sub, space C.int
	if C.tjDecompressHeader3(d.handle, (*C.uchar)(unsafe.Pointer(&data[0])), C.ulong(len(data)), &cw, &ch, &sub, &space) != 0 || cw < 1 || ch < 1 {
		return jpegHead{}, errors.Join(errNotJPEG, d.restart())
	}
	if int64(cw)*int64(ch) > mostPixels {
		return jpegHead{}, errTooLarge
	}
	block := 16
	switch sub {
	case C.TJSAMP_444, C.TJSAMP_GRAY:
		block = 8
	case C.TJSAMP_411:
		block = 32
	}
	return jpegHead{int(cw), int(ch), space == C.TJCS_GRAY, block}, nil
}

// scaledTo is a length at one part of its size.
func scaledTo(n, part int) int { return (n + part - 1) / part }

// luma decodes the light of a picture at 1/part of its size: 1, 2, 4 or 8.
func (d *decoder) luma(data []byte, part int) (*gray, error) {
	w, h, err := d.size(data)
	if err != nil {
		return nil, err
	}
	g := newGray(scaledTo(w, part), scaledTo(h, part))
	return g, d.decode(data, g.pix, g.w, g.h, 1, C.TJPF_GRAY)
}

// lightest decodes the lightest of the three colours of each pixel: black print
// stays, blue stamps and signatures fade.
func (d *decoder) lightest(data []byte, part int) (*gray, error) {
	w, h, err := d.size(data)
	if err != nil {
		return nil, err
	}
	g := newGray(scaledTo(w, part), scaledTo(h, part))
	rgb := make([]byte, 3*len(g.pix))
	if err := d.decode(data, rgb, g.w, g.h, 3, C.TJPF_RGB); err != nil {
		return nil, err
	}
	for i := range g.pix {
		g.pix[i] = max(rgb[3*i], rgb[3*i+1], rgb[3*i+2])
	}
	return g, nil
}

func (d *decoder) decode(data, out []byte, w, h, depth int, format C.int) error {
	const fast = C.TJFLAG_FASTUPSAMPLE | C.TJFLAG_FASTDCT | C.TJFLAG_LIMITSCANS
	code := C.tjDecompress2(d.handle, (*C.uchar)(unsafe.Pointer(&data[0])), C.ulong(len(data)),
		(*C.uchar)(unsafe.Pointer(&out[0])), C.int(w), C.int(w*depth), C.int(h), format, fast)
	// A warning, such as a few bytes too many before a marker, still gives the
	// whole picture.
	if code != 0 && C.tjGetErrorCode(d.handle) != C.TJERR_WARNING {
		return fmt.Errorf("decode JPEG: %s", C.GoString(C.tjGetErrorStr2(d.handle)))
	}
	return nil
}

// isSound reports whether a picture decodes without a fault.
func (d *decoder) isSound(data []byte) bool {
	head, err := d.head(data)
	if err != nil {
		return false
	}
	g := newGray(scaledTo(head.w, 8), scaledTo(head.h, 8))
	return C.tjDecompress2(d.handle, (*C.uchar)(unsafe.Pointer(&data[0])), C.ulong(len(data)),
		(*C.uchar)(unsafe.Pointer(&g.pix[0])), C.int(g.w), C.int(g.w), C.int(g.h), C.TJPF_GRAY, C.TJFLAG_FASTDCT|C.TJFLAG_STOPONWARNING) == 0
}

// encoder writes JPEG, and cuts and turns what is JPEG already without decoding
// its pixels. It is not safe for concurrent use.
type encoder struct{ handle C.tjhandle }

func newEncoder() (*encoder, error) {
	h := C.tjInitTransform()
	if h == nil {
		return nil, errors.New("start the JPEG encoder")
	}
	e := &encoder{h}
	runtime.SetFinalizer(e, func(e *encoder) { C.tjDestroy(e.handle) })
	return e, nil
}

// taken copies what the library has written and lets go of it.
func (e *encoder) taken(what string, code C.int, out *C.uchar, size C.ulong) ([]byte, error) {
	defer C.tjFree(out)
	if code != 0 || out == nil || size == 0 {
		return nil, fmt.Errorf("%s JPEG: %s", what, C.GoString(C.tjGetErrorStr2(e.handle)))
	}
	return C.GoBytes(unsafe.Pointer(out), C.int(size)), nil
}

// encode writes a picture of so many bytes a pixel, see pixelFormat.
func (e *encoder) encode(pix []byte, w, h, depth, quality int) ([]byte, error) {
	sub := C.int(C.TJSAMP_420)
	if depth == 1 {
		sub = C.TJSAMP_GRAY
	}
	var out *C.uchar
	var size C.ulong
	code := C.tjCompress2(e.handle, (*C.uchar)(unsafe.Pointer(&pix[0])), C.int(w), C.int(w*depth), C.int(h), pixelFormat(depth),
		&out, &size, sub, C.int(quality), 0) //nolint:gocritic // cgo checks the pointers
	return e.taken("encode", code, out, size)
}

// cut turns a picture clockwise by a multiple of 90 degrees and then takes a part
// of it, whose left and top edge stand on borders of blocks; w 0 takes all. The
// pixels stay exactly as they are; nothing but them is taken over. A damaged picture
// is an error if that is seen; if not, what comes out may be damaged as well.
func (e *encoder) cut(data []byte, turn, x, y, w, h int) ([]byte, error) {
	t := C.tjtransform{options: C.TJXOPT_COPYNONE}
	switch turn {
	case 90:
		t.op = C.TJXOP_ROT90
	case 180:
		t.op = C.TJXOP_ROT180
	case 270:
		t.op = C.TJXOP_ROT270
	}
	if turn != 0 {
		t.options |= C.TJXOPT_TRIM
	}
	if w > 0 {
		t.options |= C.TJXOPT_CROP
		t.r.x, t.r.y, t.r.w, t.r.h = C.int(x), C.int(y), C.int(w), C.int(h)
	}
	var out *C.uchar
	var size C.ulong
	code := C.tjTransform(e.handle, (*C.uchar)(unsafe.Pointer(&data[0])), C.ulong(len(data)), 1, &out, &size, &t, C.TJFLAG_LIMITSCANS) //nolint:gocritic // cgo checks the pointers
	return e.taken("cut", code, out, size)
}

// pixelFormat is how pixels of so many bytes are laid out: 1 is light, 4 are red,
// green, blue and one that says nothing.
func pixelFormat(depth int) C.int {
	if depth == 1 {
		return C.TJPF_GRAY
	}
	return C.TJPF_RGBX
}
