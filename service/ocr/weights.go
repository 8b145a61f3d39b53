package ocr

import (
	_ "embed" // the weights
	"sync"
)

// nets are those that read digits. They are safe for concurrent use.
type nets struct {
	own     *glyphNet // the project's own faces
	twin    *glyphNet // the same
	strange *glyphNet // all faces but those
}

// loadNets returns the nets, loaded once.
var loadNets = sync.OnceValues(func() (*nets, error) {
	out := &nets{}
	var err error
	if out.own, err = newGlyphNet(sightWeights); err != nil {
		return nil, err
	}
	if out.twin, err = newGlyphNet(twinWeights); err != nil {
		return nil, err
	}
	out.strange, err = newGlyphNet(glyphWeights)
	return out, err
})

// The weights of the nets: for each layer of glyphNet a scale, and a signed byte for
// each weight. All three have its shape. What they have learned from differs, so that
// they err each on its own.
//
// They are taught by the tests, which write the file where it lies; each run draws the
// same cells. A net that is taught again reads other digits unsurely: measure with
// flowbot bench scans before it stays.
var (
	// glyphWeights know digits of any face but the project's own, under the blur,
	// grain and ground of scans. They come from the regular and bold text faces of the
	// Debian packages fonts-urw-base35, fonts-liberation, fonts-dejavu,
	// fonts-noto-core, fonts-noto-mono, fonts-ocr-a, fonts-gfs-didot,
	// fonts-oldstandard and fonts-roboto-unhinted, laid into one directory:
	//
	//	go test ./service/ocr -run TestDigitsOfUnknownFacesAreRead -teach glyph.net -faces DIR -cells 960000 -timeout 2h
	//
	//go:embed glyph.net
	glyphWeights []byte

	// sightWeights know the project's own faces, in 300, 200 and 150 dpi, under
	// stamps, signatures, streaks and smudges. They come from two runs, the second of
	// which went on from the first:
	//
	//	go test ./service/ocr -run TestDigitsUnderInkAreRead -teach number.net -cells 700000 -timeout 2h
	//	go test ./service/ocr -run TestDigitsUnderInkAreRead -teach number.net -cells 900000 -go-on -timeout 2h
	//
	//go:embed number.net
	sightWeights []byte

	// twinWeights have learned the same from other lines, in one run:
	//
	//	go test ./service/ocr -run TestDigitsUnderInkAreRead -teach twin.net -cells 1200000 -timeout 2h
	//
	//go:embed twin.net
	twinWeights []byte
)
