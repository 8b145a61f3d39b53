package pdf

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"image/color"
	"image/jpeg"
	"math"

	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu"
	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu/model"
	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu/types"
)

// pointsInch is how many points a PDF counts an inch.
const pointsInch = 72

// a4Points are the edges of an A4 sheet.
var a4Points = [2]float64{210 / 25.4 * pointsInch, 297 / 25.4 * pointsInch}

// scanHead begins the file; the second line tells programs that move files that
// it is not text. Source: ISO 32000-1, 7.5.2.
const scanHead = "%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"

// ScanPage returns a PDF of one page, which the picture covers. The picture stays
// as it is; nothing is said about when, where and with what the file was made.
func (p *Printer) ScanPage(ctx context.Context, picture []byte, dots float64) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("make a scan: %w", err)
	}
	head, err := jpeg.DecodeConfig(bytes.NewReader(picture))
	if err != nil {
		return nil, fmt.Errorf("make a scan: %w", err)
	}
	space := model.DeviceRGBCS
	switch head.ColorModel {
	case color.GrayModel:
		space = model.DeviceGrayCS
	case color.YCbCrModel:
	default:
		return nil, errors.New("make a scan: the picture is neither gray nor in three colours")
	}
	w, h := float64(head.Width), float64(head.Height)
	scale := pointsInch / dots
	if dots <= 0 {
		scale = math.Min(a4Points[0]/min(w, h), a4Points[1]/max(w, h))
	}
	file, err := newScanFile(picture, head.Width, head.Height, space, scale)
	if err != nil {
		return nil, fmt.Errorf("make a scan: %w", err)
	}
	b, err := file.written(len(picture))
	if err != nil {
		return nil, fmt.Errorf("write a scan: %w", err)
	}
	return b, nil
}

// scanFile is a PDF before it is written.
type scanFile struct {
	table   *model.XRefTable
	objects []int // numbers
}

// add takes an object into the file.
func (f *scanFile) add(o types.Object) (types.IndirectRef, error) {
	ref, err := f.table.IndRefForNewObject(o)
	if err != nil {
		return types.IndirectRef{}, err
	}
	f.objects = append(f.objects, ref.ObjectNumber.Value())
	return *ref, nil
}

func newScanFile(picture []byte, w, h int, space string, scale float64) (*scanFile, error) {
	table, err := pdfcpu.CreateXRefTableWithRootDict()
	if err != nil {
		return nil, err
	}
	f := &scanFile{table, []int{table.Root.ObjectNumber.Value()}}
	drawn, err := model.CreateDCTImageStreamDict(table, picture, w, h, 8, space)
	if err != nil {
		return nil, err
	}
	image, err := f.add(*drawn)
	if err != nil {
		return nil, err
	}
	wide, high := math.Round(float64(w)*scale*100)/100, math.Round(float64(h)*scale*100)/100
	content, err := table.NewStreamDictForBuf(fmt.Appendf(nil, "q %.2f 0 0 %.2f 0 0 cm /Im0 Do Q\n", wide, high))
	if err != nil {
		return nil, err
	}
	if err := content.Encode(); err != nil {
		return nil, err
	}
	contents, err := f.add(*content)
	if err != nil {
		return nil, err
	}
	pages := types.Dict{"Type": types.Name("Pages"), "Count": types.Integer(1)}
	parent, err := f.add(pages)
	if err != nil {
		return nil, err
	}
	page, err := f.add(types.Dict{
		"Type": types.Name("Page"), "Parent": parent, "Contents": contents,
		"MediaBox":  types.Array{types.Integer(0), types.Integer(0), types.Float(wide), types.Float(high)},
		"Resources": types.Dict{"XObject": types.Dict{"Im0": image}},
	})
	if err != nil {
		return nil, err
	}
	pages["Kids"] = types.Array{page}
	root, err := table.Catalog()
	if err != nil {
		return nil, err
	}
	root["Pages"] = parent
	return f, nil
}

// written is the file's bytes; the picture in it has so many. What pdfcpu appends
// to a file is written behind our own head: with a head of its own it would say
// when the file was made, and number it at random.
func (f *scanFile) written(picture int) ([]byte, error) {
	ctx := pdfcpu.CreateContext(f.table, &model.Configuration{Eol: types.EolLF})
	var out bytes.Buffer
	out.Grow(picture + 2000)
	ctx.Write.Writer = bufio.NewWriter(&out)
	if _, err := ctx.Write.WriteString(scanHead); err != nil {
		return nil, err
	}
	ctx.Write.Offset = int64(len(scanHead))
	ctx.Write.ObjNrs = f.objects
	if err := pdfcpu.WriteIncrement(ctx); err != nil {
		return nil, err
	}
	if err := ctx.Write.Flush(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}
