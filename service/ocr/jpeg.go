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
	if len(data) < 4 {
		return 0, 0, errNotJPEG
	}
	var cw, ch, sub, space C.int
	if C.tjDecompressHeader3(d.handle, (*C.uchar)(unsafe.Pointer(&data[0])), C.ulong(len(data)), &cw, &ch, &sub, &space) != 0 {
		return 0, 0, errNotJPEG
	}
	return int(cw), int(ch), nil
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
	const fast = C.TJFLAG_FASTUPSAMPLE | C.TJFLAG_FASTDCT
	code := C.tjDecompress2(d.handle, (*C.uchar)(unsafe.Pointer(&data[0])), C.ulong(len(data)),
		(*C.uchar)(unsafe.Pointer(&out[0])), C.int(w), C.int(w*depth), C.int(h), format, fast)
	// A warning, such as a few bytes too many before a marker, still gives the
	// whole picture.
	if code != 0 && C.tjGetErrorCode(d.handle) != C.TJERR_WARNING {
		return fmt.Errorf("decode JPEG: %s", C.GoString(C.tjGetErrorStr2(d.handle)))
	}
	return nil
}
