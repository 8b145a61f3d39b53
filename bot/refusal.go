package bot

import "flowbot/service"

// manner is how a refusal is shown.
type manner int

const (
	reply manner = iota // a message in the chat: the person must do something
	alert               // a window over the button: nothing to do
)

// refusals lists every reason the service can give. The words are in
// templates/text/<lang>/errors*.html under the same key. The linter (exhaustive)
// fails when a reason is missing here, a test when its words are missing there.
var refusals = map[service.Reason]manner{
	service.ReasonNotFound:  alert,
	service.ReasonForbidden: alert,
	service.ReasonMovedOn:   alert,
	service.ReasonInternal:  reply,

	ReasonTalkOver:   alert,
	ReasonUnexpected: reply,

	service.ReasonNotEnded:        alert,
	service.ReasonNoLearners:      alert,
	service.ReasonNotEligible:     reply,
	service.ReasonCommentRequired: reply,
	service.ReasonCommentTooLong:  reply,
	service.ReasonTaken:           alert,
	service.ReasonNotTaken:        alert,
	service.ReasonOwnUpload:       alert,
	service.ReasonNoJournal:       alert,
	service.ReasonNotPrinted:      alert,

	service.ReasonJournalMissing:     reply,
	service.ReasonScreenshotsMissing: reply,
	service.ReasonTooManyScreenshots: reply,
	service.ReasonTwoJournals:        reply,
	service.ReasonFilesPending:       reply,
	service.ReasonKindUnknown:        reply,
	service.ReasonNothingWaits:       alert,
	service.ReasonTooManyFiles:       reply,

	service.ReasonFileEmpty:         reply,
	service.ReasonFileNotPDF:        reply,
	service.ReasonFileIsPicture:     reply,
	service.ReasonFileNotPicture:    reply,
	service.ReasonFileBroken:        reply,
	service.ReasonFileEncrypted:     reply,
	service.ReasonFileTooBig:        reply,
	service.ReasonFileTooManyPages:  reply,
	service.ReasonFileTooManyPixels: reply,
	service.ReasonFileTooHeavy:      reply,
	service.ReasonFileUnread:        reply,
	service.ReasonFileOverLimit:     reply,
	service.ReasonFileGone:          reply,

	service.ReasonPeriodUnreadable: reply,
	service.ReasonPeriodBackwards:  reply,

	service.ReasonUploadAlbum:    reply,
	service.ReasonUploadSecond:   reply,
	service.ReasonUploadMissing:  reply,
	service.ReasonUploadPending:  reply,
	service.ReasonUploadNotPaper: reply,

	service.ReasonOrgKindUnknown:  reply,
	service.ReasonOrgName:         reply,
	service.ReasonOrgExists:       reply,
	service.ReasonOrgINN:          reply,
	service.ReasonOrgINNTaken:     reply,
	service.ReasonOrgZone:         reply,
	service.ReasonOrgOneOperator:  reply,
	service.ReasonPersonName:      reply,
	service.ReasonLastOne:         alert,
	service.ReasonLanguageUnknown: reply,
	service.ReasonAlreadyRemoved:  alert,
	service.ReasonRoleUnknown:     reply,
	service.ReasonRoleOrg:         reply,
	service.ReasonRoleNeedsOrg:    reply,
	service.ReasonRoleNeedsNoOrg:  reply,

	service.ReasonInvitationInvalid:   reply,
	service.ReasonInvitationCandidate: reply,
	service.ReasonInvitationEnded:     alert,

	// Of tables and calendars: they stand in reports.
	service.ReasonCalendarUnreadable:  reply,
	service.ReasonCalendarNoYear:      reply,
	service.ReasonCalendarNoDays:      reply,
	service.ReasonCalendarOtherYear:   reply,
	service.ReasonCalendarRepeated:    reply,
	service.ReasonCalendarPlainDay:    reply,
	service.ReasonCalendarNotHoliday:  reply,
	service.ReasonCalendarLongRest:    reply,
	service.ReasonImportRequired:      reply,
	service.ReasonImportTooLong:       reply,
	service.ReasonImportNoDay:         reply,
	service.ReasonImportFarDay:        reply,
	service.ReasonImportNoNumber:      reply,
	service.ReasonImportNoYesNo:       reply,
	service.ReasonImportNoDocument:    reply,
	service.ReasonImportRounded:       reply,
	service.ReasonImportFormulaError:  reply,
	service.ReasonImportColumnMissing: reply,
	service.ReasonImportColumnTwice:   reply,
	service.ReasonImportRepeated:      reply,
	service.ReasonImportEndBefore:     reply,
	service.ReasonImportBornLate:      reply,
	service.ReasonImportNoPartner:     reply,
	service.ReasonImportNoCohort:      reply,
	service.ReasonImportNumberTaken:   reply,
	service.ReasonImportCohortInAct:   reply,
	service.ReasonImportPartnerFixed:  reply,
	service.ReasonImportLearnerInAct:  reply,
	service.ReasonImportForbidden:     reply,
	service.ReasonSheetEmpty:          reply,
	service.ReasonSheetOld:            reply,
	service.ReasonSheetEncrypted:      reply,
	service.ReasonSheetUnreadable:     reply,
	service.ReasonSheetTooBig:         reply,
	service.ReasonSheetTooManySheets:  reply,
	service.ReasonSheetTooManyRows:    reply,
	service.ReasonSheetTooManyColumns: reply,
	service.ReasonSheetTooManyCells:   reply,
	service.ReasonSheetUnknown:        reply,
	service.ReasonSheetNoForm:         reply,
}
