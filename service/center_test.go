package service_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"

	"flowbot/service"
)

func TestACenterIsFilledInValueByValue(t *testing.T) {
	t.Parallel()
	p := newPress(t)
	set := func(by service.Actor, revision int, f service.CenterField, value string) service.Reason {
		return service.ReasonOf(p.centers.Set(t.Context(), by, p.org.ID, revision, f, value))
	}
	tests := []struct {
		name     string
		by       service.Actor
		revision int
		field    service.CenterField
		value    string
		want     service.Reason
	}{
		{"empty", p.anna, 0, service.CenterAddress, " \u200b ", service.ReasonCenterValue},
		{"too long", p.anna, 0, service.CenterSignatory, strings.Repeat("Ж", 121), service.ReasonCenterValue},
		{"staff of another center", p.stranger, 0, service.CenterAddress, "Адрес", service.ReasonForbidden},
		{"an admin, who only looks", p.admin, 0, service.CenterAddress, "Адрес", service.ReasonForbidden},
		{"the first value", p.anna, 0, service.CenterAddress, "  г. Тверь,\n ул. Лесная ", ""},
		{"an old button", p.boris, 0, service.CenterPosition, "Директор", service.ReasonMovedOn},
		{"the same once more", p.anna, 0, service.CenterAddress, "г. Тверь, ул. Лесная", ""},
		{"a field that is none", p.anna, 1, "color", "red", service.ReasonNotFound},
		{"a profile that is none", p.anna, 1, service.CenterProfile, "no-such", service.ReasonProfileUnknown},
		{"a profile", p.anna, 1, service.CenterProfile, "vector-200", ""},
	}
	for _, tt := range tests {
		if got := set(tt.by, tt.revision, tt.field, tt.value); got != tt.want {
			t.Errorf("%s: %q", tt.name, got)
		}
	}
	v, err := p.centers.View(t.Context(), p.admin, p.org.ID)
	if err != nil {
		t.Fatal(err)
	}
	if v.Staff || v.Center.IssueAddress != "г. Тверь, ул. Лесная" || v.Profile == nil || v.Center.Revision != 2 {
		t.Errorf("%+v", v)
	}
	missing := []service.CenterField{service.CenterInstitution, service.CenterPosition, service.CenterSignatory}
	if diff := cmp.Diff(missing, v.Center.Missing()); diff != "" {
		t.Error(diff)
	}
	if _, err := p.centers.View(t.Context(), p.stranger, p.org.ID); service.ReasonOf(err) != service.ReasonNotFound {
		t.Errorf("a stranger looks: %v", err)
	}
	_, steps, err := p.centers.History(t.Context(), p.anna, p.org.ID)
	if err != nil || len(steps) != 2 || steps[0].By != "Анна Центрова" || steps[0].Event != "address" {
		t.Errorf("%+v, %v", steps, err)
	}
}

func TestOfTwoWhoChangeACenterAtOnceOneWins(t *testing.T) {
	t.Parallel()
	p := newPress(t)
	var won atomic.Int32
	var wg sync.WaitGroup
	for n := range 4 {
		wg.Go(func() {
			err := p.centers.Set(t.Context(), p.anna, p.org.ID, 0, service.CenterAddress, fmt.Sprintf("Адрес %d", n))
			switch service.ReasonOf(err) {
			case "":
				won.Add(1)
			case service.ReasonMovedOn:
			default:
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if won.Load() != 1 {
		t.Errorf("%d won", won.Load())
	}
}

func TestPrintersAreKeptWithTheirOffsets(t *testing.T) {
	t.Parallel()
	p := newPress(t)
	ctx := t.Context()
	hp, err := p.centers.AddPrinter(ctx, p.anna, p.org.ID, " HP  5 ")
	if err != nil || hp.Name != "HP 5" {
		t.Fatalf("%+v, %v", hp, err)
	}
	for name, want := range map[string]service.Reason{
		"hp 5": service.ReasonPrinterExists, "": service.ReasonPrinterName, strings.Repeat("ж", 61): service.ReasonPrinterName,
	} {
		if _, err := p.centers.AddPrinter(ctx, p.anna, p.org.ID, name); service.ReasonOf(err) != want {
			t.Errorf("%q: %v", name, err)
		}
	}
	xerox, err := p.centers.AddPrinter(ctx, p.boris, p.org.ID, "Xerox")
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name        string
		by          service.Actor
		revision    int
		right, down int
		want        service.Reason
	}{
		{"a step", p.anna, 1, 3, 0, ""},
		{"the same press again", p.anna, 1, 3, 0, ""},
		{"another press of the old card", p.boris, 1, 10, 0, service.ReasonMovedOn},
		{"to the bound", p.anna, 2, 200, -200, ""},
		{"beyond", p.anna, 3, 201, 0, service.ReasonPrinterFar},
		{"beyond upwards", p.anna, 3, 0, -201, service.ReasonPrinterFar},
		{"a stranger", p.stranger, 3, 0, 0, service.ReasonNotFound},
	}
	for _, tt := range tests {
		if _, err := p.centers.MovePrinter(ctx, tt.by, hp.ID, tt.revision, tt.right, tt.down); service.ReasonOf(err) != tt.want {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	if v, err := p.centers.View(ctx, p.anna, p.org.ID); err != nil || v.Printer == nil || v.Printer.ID != hp.ID || len(v.Printers) != 2 {
		t.Errorf("another printer has taken the place of the chosen one: %+v, %v", v, err)
	}
	for _, id := range []int64{xerox.ID, hp.ID} {
		if _, err := p.centers.ChoosePrinter(ctx, p.anna, id); err != nil {
			t.Error(err)
		}
		if v, err := p.centers.View(ctx, p.anna, p.org.ID); err != nil || v.Printer == nil || v.Printer.ID != id {
			t.Errorf("%+v, %v", v, err)
		}
	}
	if v, err := p.centers.View(ctx, p.anna, p.org.ID); err != nil || v.Printer == nil || v.Printer.RightBy != 200 || v.Printer.DownBy != -200 {
		t.Errorf("%+v, %v", v, err)
	}
	if _, err := p.centers.RemovePrinter(ctx, p.anna, hp.ID); err != nil {
		t.Error(err)
	}
	if _, err := p.centers.RemovePrinter(ctx, p.anna, hp.ID); service.ReasonOf(err) != service.ReasonMovedOn {
		t.Errorf("removed twice: %v", err)
	}
	if v, err := p.centers.View(ctx, p.anna, p.org.ID); err != nil || v.Printer != nil || len(v.Printers) != 1 {
		t.Errorf("%+v, %v", v, err)
	}
	if _, err := p.centers.AddPrinter(ctx, p.anna, p.org.ID, "HP 5"); err != nil {
		t.Errorf("the name of a removed one: %v", err)
	}
}

func TestTenthsOfAMillimetreAreReadAndShown(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]string{0: "0,0", 3: "0,3", -3: "−0,3", 200: "20,0", -15: "−1,5"} {
		if got := service.Tenths(n); got != want {
			t.Errorf("%d: %s", n, got)
		}
	}
	for text, want := range map[string]int{"0,3": 3, "0.3": 3, "1": 10, "20": 200, "12,": 120, "0": 0} {
		if got, err := service.ParseTenths(text); err != nil || got != want {
			t.Errorf("%q: %d, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "0,35", ",3", "-1", "раз", "1000", "1,x"} {
		if got, err := service.ParseTenths(text); service.ReasonOf(err) != service.ReasonPrinterStep {
			t.Errorf("%q: %d, %v", text, got, err)
		}
	}
}

// sendTable stores a table as one that a person of the staff has sent.
func (p *press) sendTable(by service.Actor, data []byte) *service.Upload {
	p.t.Helper()
	sha, size, err := p.files.Put(p.t.Context(), bytes.NewReader(data))
	if err != nil {
		p.t.Fatal(err)
	}
	p.updates++
	u := &service.Upload{
		PersonID: by.PersonID, Purpose: service.UploadProfile, SubjectID: p.org.ID, UpdateID: p.updates, ChatRef: "ref",
		Name: "профиль.xlsx", Size: size, State: service.UploadAccepted, FileSHA: sha, CleanSHA: sha, AddedAt: p.now(),
	}
	err = p.store.InTx(p.t.Context(), func(ctx context.Context, tx service.Tx) error {
		if err := tx.SaveFile(ctx, service.File{SHA256: sha, Size: size, Type: "application/octet-stream"}); err != nil {
			return err
		}
		_, err := tx.InsertUpload(ctx, u)
		return err
	})
	if err != nil {
		p.t.Fatal(err)
	}
	return u
}

// profileTable is the table of the center's chosen profile under another name.
func (p *press) profileTable(name string) []byte {
	p.t.Helper()
	doc, err := p.centers.ProfileTable(p.t.Context(), p.anna, p.org.ID)
	if err != nil {
		p.t.Fatal(err)
	}
	r, err := doc.Open(p.t.Context())
	if err != nil {
		p.t.Fatal(err)
	}
	f, err := excelize.OpenReader(r)
	if err != nil {
		p.t.Fatal(err)
	}
	list := f.GetSheetName(0)
	rows, err := f.GetRows(list)
	if err != nil {
		p.t.Fatal(err)
	}
	for i, row := range rows {
		if row[1] != "название" {
			continue
		}
		at, err := excelize.CoordinatesToCellName(len(row), i+1)
		if err == nil {
			err = f.SetCellStr(list, at, name)
		}
		if err != nil {
			p.t.Fatal(err)
		}
	}
	var out bytes.Buffer
	if err := f.Write(&out); err != nil {
		p.t.Fatal(err)
	}
	return out.Bytes()
}

// Profiles are chosen by their name, in chat and in the sheet «Центры».
func TestTwoProfilesNeverHaveOneName(t *testing.T) {
	t.Parallel()
	p := newPress(t)
	p.filled()
	builtIn := p.sendTable(p.anna, p.profileTable("БЛАНК 210 × 158 мм"))
	if _, err := p.centers.AddProfile(t.Context(), p.anna, p.org.ID, builtIn.ID); service.ReasonOf(err) != service.ReasonProfileExists {
		t.Errorf("the name of a built-in one: %v", err)
	}
	if err := p.uploads.Remove(t.Context(), p.anna, builtIn.ID); err != nil {
		t.Fatal(err)
	}
	var codes []string
	for _, name := range []string{"Наша типография", "Другая", "наша  типография"} {
		own, err := p.centers.AddProfile(t.Context(), p.anna, p.org.ID, p.sendTable(p.anna, p.profileTable(name)).ID)
		if err != nil {
			t.Fatal(err)
		}
		codes = append(codes, own.Code)
	}
	list, err := p.centers.Profiles(t.Context(), p.anna, p.org.ID)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, known := range list[2:] {
		got = append(got, known.Code)
	}
	if diff := cmp.Diff(codes[1:], got); diff != "" {
		t.Errorf("the newer one does not take the place of its namesake: %s", diff)
	}
	if v, err := p.centers.View(t.Context(), p.anna, p.org.ID); err != nil || v.Center.BlankProfile != codes[2] {
		t.Errorf("%+v, %v", v, err)
	}
}

func TestATableSentBackBecomesAProfileOfTheCenter(t *testing.T) {
	t.Parallel()
	p := newPress(t)
	p.filled()
	u := p.sendTable(p.anna, p.profileTable("Наша типография"))
	if _, err := p.centers.AddProfile(t.Context(), p.stranger, p.org.ID, u.ID); service.ReasonOf(err) != service.ReasonForbidden {
		t.Errorf("a stranger: %v", err)
	}
	if _, err := p.centers.AddProfile(t.Context(), p.boris, p.org.ID, u.ID); service.ReasonOf(err) != service.ReasonNotFound {
		t.Errorf("a colleague's file: %v", err)
	}
	own, err := p.centers.AddProfile(t.Context(), p.anna, p.org.ID, u.ID)
	if err != nil || own.Code != fmt.Sprintf("own-%d-1", p.org.ID) {
		t.Fatalf("%+v, %v", own, err)
	}
	if _, err := p.centers.AddProfile(t.Context(), p.anna, p.org.ID, u.ID); service.ReasonOf(err) != service.ReasonUploadMissing {
		t.Errorf("the same file again: %v", err)
	}
	v, err := p.centers.View(t.Context(), p.anna, p.org.ID)
	if err != nil || v.Profile == nil || v.Profile.Code != own.Code || len(v.Profile.Fields) == 0 {
		t.Errorf("%+v, %v", v, err)
	}
	list, err := p.centers.Profiles(t.Context(), p.boris, p.org.ID)
	if err != nil || len(list) != 3 {
		t.Errorf("%d profiles, %v", len(list), err)
	}
	other := p.stranger.Orgs(service.RoleCenterStaff)[0]
	if err := p.centers.Set(t.Context(), p.stranger, other, 0, service.CenterProfile, own.Code); service.ReasonOf(err) != service.ReasonProfileUnknown {
		t.Errorf("another center's profile: %v", err)
	}
	p.printed(p.exam(1, numbered))

	broken := p.sendTable(p.anna, []byte("вид;что;x\nполе;ФИО;сто\n"))
	if _, err := p.centers.AddProfile(t.Context(), p.anna, p.org.ID, broken.ID); !strings.HasPrefix(string(service.ReasonOf(err)), "profile.") {
		t.Errorf("a table with mistakes: %v", err)
	}
}
