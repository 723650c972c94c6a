"""The columns of a table: one list, from which reading, the template and docs/intake-columns.md are made.

A table has one row per agreement and care service; rows with the same number are one agreement.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from contracts.agreements import (
    Basis,
    CapacityPer,
    Included,
    InvoicedBy,
    Law,
    Price,
    ReferralKind,
    ReimbursementModel,
    Use,
)
from contracts.agreements import Kind as AgreementKind
from contracts.message import Sex
from contracts.types import System
from intake import cells, kinds
from intake.cells import Cell
from intake.contact_cells import CONTACTS
from intake.kinds import Kind, words
from rules.secrecy import NAMES

SERVICES = "services"


@dataclass(frozen=True, eq=False)
class Column:
    """One column: its heading, the field it fills and how its cells are read."""

    heading: str
    """Swedish, as in the template; capitals, hyphens and line breaks do not matter in a sent one."""
    field: str
    """Dotted path of the form without indexes; what begins with `services.` holds for the row, others for all rows."""
    kind: Kind
    explained: str
    """For the person who fills it in, in Swedish."""
    example: str = ""
    required: bool = False
    """Every agreement must have it. Of the columns of codes one is enough."""

    @cached_property
    def of_service(self) -> bool:
        """True where every row has its own."""
        return self.field.startswith(f"{SERVICES}.")

    @cached_property
    def path(self) -> tuple[str, ...]:
        """The field's steps inside the agreement, or inside the row's service."""
        steps = tuple(self.field.split("."))
        return steps[1:] if self.of_service else steps

    @cached_property
    def secret(self) -> bool:
        """Its cells are never repeated in a finding."""
        return self.field in _SECRET


_SECRET = frozenset({"confidential", "internal_note"})


def _coded(system: str) -> Kind:
    def read(cell: Cell) -> list[dict[str, str]]:
        return [{"system": system, "code": code} for code in cells.codes(cell)]

    return Kind(_LIST, read, _codes_written, split=lambda cell: list(cells.codes(cell)))


def _codes_written(codes: list[dict[str, Any]]) -> str:
    return "; ".join(code["code"] for code in codes)


def _any_system(cell: Cell) -> list[dict[str, str]]:
    found = []
    for written in cells.codes(cell):
        system, bar, code = written.partition("|")
        if not bar:
            raise cells.Unclear("must name the code system before each code", "for example mvo|511")
        found.append({"system": system, "code": code})
    return found


_LIST = "en eller flera koder, åtskilda av semikolon eller mellanslag"
_KEYED = Kind(
    "kodverk|kod, en eller flera, åtskilda av semikolon",
    _any_system,
    lambda codes: "; ".join(f"{code['system']}|{code['code']}" for code in codes),
    split=lambda cell: list(cells.codes(cell)),
)

KINDS = {
    "avtal": AgreementKind.AGREEMENT.value,
    "överenskommelse": AgreementKind.ARRANGEMENT.value,
    "uppdrag": AgreementKind.ASSIGNMENT.value,
}
BASES = {
    "eget avtal": Basis.OWN_AGREEMENT.value,
    "gemensamt avtal": Basis.JOINT_AGREEMENT.value,
    "bilateralt avtal": Basis.BILATERAL_AGREEMENT.value,
    "Riksavtalet": Basis.NATIONAL_AGREEMENT.value,
    "egen regi": Basis.OWN_PROVISION.value,
}
LAWS = {law.value: law.value for law in Law}
USES = {
    "ja": Use.YES.value,
    "på förfrågan": Use.ON_REQUEST.value,
    "nej": Use.NO.value,
    "namngivna regioner": Use.NAMED_REGIONS.value,
}
PRICES = {
    "avtalets pris": Price.AGREEMENT.value,
    "utomlänsprislista": Price.PRICE_LIST.value,
    "särskild överenskommelse": Price.SEPARATE.value,
}
INVOICERS = {"vårdgivaren": InvoicedBy.CARE_PROVIDER.value, "regionen": InvoicedBy.OWNING_REGION.value}
SEXES = {"kvinna": Sex.FEMALE.value, "man": Sex.MALE.value}
REFERRALS = {"professionsremiss": ReferralKind.PROFESSION.value, "regionremiss": ReferralKind.REGION.value}
INCLUDED = {
    "bedömning": Included.ASSESSMENT.value,
    "åtgärd": Included.PROCEDURE.value,
    "uppföljning": Included.FOLLOW_UP.value,
    "komplikationer": Included.COMPLICATIONS.value,
    "andra ögat": Included.SECOND_EYE.value,
    "rehabilitering": Included.REHABILITATION.value,
}
MODELS = {
    "fast pris": ReimbursementModel.FIXED_PRICE.value,
    "DRG": ReimbursementModel.DRG.value,
    "per dag": ReimbursementModel.PER_DAY.value,
    "per besök": ReimbursementModel.PER_VISIT.value,
    "kapitering": ReimbursementModel.CAPITATION.value,
    "anslag": ReimbursementModel.GRANT.value,
}
PERIODS = {"år": CapacityPer.YEAR.value, "månad": CapacityPer.MONTH.value}

EXAMPLE = "EXEMPEL"
"""The number of the template's example row; such rows are not read."""

_C = Column

COLUMNS: tuple[Column, ...] = (
    _C("avtalsnummer", "number", kinds.TEXT, "Regionens eget nummer; samma nummer på flera rader är ett avtal",
       EXAMPLE, required=True),
    _C("namn", "name", kinds.TEXT, "Avtalets namn", "Kataraktkirurgi 2026", required=True),
    _C("region", "region", kinds.REGION, "Den region som registrerar; får utelämnas när filen skickas in", "14"),
    _C("typ", "kind", words(KINDS), "Utan angivelse: avtal", "avtal"),
    _C("uppdrags-id", "assignment_id", kinds.TEXT, "Krävs för uppdrag"),
    _C("länk till uppdrag", "assignment_document_url", kinds.TEXT, "Webbadress till uppdragsbeskrivningen"),
    _C("grund", "basis", words(BASES), "På vilken grund vården får användas; utan angivelse: eget avtal", "eget avtal"),
    _C("lag", "law", words(LAWS), "Upphandlingslag", "LOU"),
    _C("direktupphandling", "direct_award", kinds.YES_NO, "Förfarandet, skilt från lagen", "nej"),
    _C("vårdval", "choice_of_care", kinds.YES_NO, "Inom ett vårdvalssystem; utan angivelse: nej", "nej"),
    _C("beställande regioner", "commissioning_regions", kinds.REGIONS,
       "Alla beställare; utan angivelse: regionen själv", "14; 13"),
    _C("ansvarig region", "leading_region", kinds.REGION, "För gemensamma och bilaterala avtal: den ledande regionen"),
    _C("vårdgivare HSA-id", "care_provider.hsa_id", kinds.TEXT, "Motparten; utelämnas för egen regi",
       "SE5561234567-0001"),
    _C("vårdgivare namn", "care_provider.name", kinds.TEXT, "Motpartens namn", "Exempelkliniken AB"),
    _C("organisationsnummer", "care_provider.organisation_number", kinds.TEXT,
       "Motpartens; enskild firmas nummer sparas inte", "556123-4567"),
    _C("giltigt från", "valid_from", kinds.DAY, "Första dagen", "2026-01-01", required=True),
    _C("giltigt till", "valid_to", kinds.DAY, "Sista dagen; utan angivelse: tills vidare", "2027-12-31"),
    _C("förlängningsoption", "extension_option", kinds.TEXT, "I ord", "Option på 12 + 12 månader"),
    _C("länk till avtal", "document_url", kinds.TEXT, "Webbadress till avtalet; visas bara för regioner"),
    _C("beskrivning", "description", kinds.TEXT, "Kort, utan personuppgifter"),
    _C("får användas av andra", "use_by_others.use", words(USES), "Av andra regioner; utan angivelse: nej",
       "på förfrågan"),
    _C("regioner som får använda", "use_by_others.regions", kinds.REGIONS, "För namngivna regioner"),
    _C("används genom", "use_by_others.through", kinds.TEXT, "Vart den andra regionen vänder sig",
       "Regionens förmedlingskontor"),
    _C("fråga att ställa", "use_by_others.question", kinds.TEXT, "Krävs för på förfrågan",
       "Finns volym kvar för fler patienter?"),
    _C("pris för andra", "use_by_others.price", words(PRICES), "Till vilket pris", "avtalets pris"),
    _C("fakturerar", "use_by_others.invoiced_by", words(INVOICERS), "Vem fakturerar den andra regionen", "vårdgivaren"),
    _C("volym kvar", "use_by_others.volume_left", kinds.WHOLE, "Antal patienter till", "120"),
    _C("intern anteckning", "internal_note", kinds.TEXT, "Bara för regionens egna administratörer"),
    _C("revision", "revision", kinds.WHOLE, "Regionens eget stigande tal: högre ersätter lägre", "1"),
    _C("sekretess", "confidential", kinds.YES_NO, "Avtal under sekretess tas inte emot, inget sparas", "nej"),
    _C("KVÅ-koder", "services.care_services", _coded(System.KVA.value), "Åtgärder", "CJE20; CJC10"),
    _C("ICD-koder", "services.care_services", _coded(System.ICD10.value), "Diagnoser (ICD-10-SE)"),
    _C("vårdtjänster", "services.care_services", _coded(System.CARE_SERVICE.value), "Nationella (SNOMED CT)"),
    _C("andra koder", "services.care_services", _KEYED, "Övriga kodverk"),
    _C("vårdenheter", "services.units", kinds.IDENTIFIERS, "Utförande enheters HSA-id", "SE5561234567-A0017",
       required=True),
    _C("ålder från", "services.target_group.age_min", kinds.WHOLE, "Hela år", "18"),
    _C("ålder till", "services.target_group.age_max", kinds.WHOLE, "Hela år, till och med"),
    _C("kön", "services.target_group.sex", words(SEXES), "Om tjänsten bara gäller ett"),
    _C("BMI högst", "services.target_group.bmi_max", kinds.AMOUNT, "Högsta BMI", "40"),
    _C("ASA högst", "services.target_group.asa_max", kinds.WHOLE, "Högsta ASA-klass, 1–6", "3"),
    _C("målgrupp, övrigt", "services.target_group.other", kinds.TEXT, "I ord"),
    _C("remiss krävs", "services.conditions.referral_required", kinds.YES_NO, "Tomt: avtalet säger inget", "ja"),
    _C("remisstyp", "services.conditions.referral_kind", words(REFERRALS), "Vems remiss", "professionsremiss"),
    _C("remissbilagor", "services.conditions.referral_attachments", kinds.TEXTS, "Vad remissen ska ha med sig",
       "synskärpa; ögontryck"),
    _C("egenremiss", "services.conditions.self_referral", kinds.YES_NO, "Egen vårdbegäran tas emot", "nej"),
    _C("egenremiss, hur", "services.conditions.self_referral_how", kinds.TEXT, "Var och hur"),
    _C("betalningsförbindelse krävs", "services.conditions.payment_commitment_required", kinds.YES_NO, "", "ja"),
    _C("villkor, övrigt", "services.conditions.other", kinds.TEXT, "I ord"),
    _C("ingår", "services.included", kinds.word_list(INCLUDED), "Vad priset täcker", "bedömning; åtgärd; uppföljning"),
    _C("ersättningsmodell", "services.reimbursement.model", words(MODELS), "Krävs om något annat om ersättning anges",
       "fast pris"),
    _C("belopp", "services.reimbursement.amount", kinds.AMOUNT, "Kronor; visas bara för regioner", "7850,50"),
    _C("ersättning från", "services.reimbursement.valid_from", kinds.DAY, "Första dagen"),
    _C("ersättning till", "services.reimbursement.valid_to", kinds.DAY, "Sista dagen"),
    _C("kontaktvägar", "services.contacts", CONTACTS, "Funktioner, aldrig personer",
       "remiss | telefon | 08-123 45 67 | vardagar 8–10"),
    _C("förväntad kapacitet", "services.expected_capacity.count", kinds.WHOLE, "Antal", "400"),
    _C("kapacitet per", "services.expected_capacity.per", words(PERIODS), "Utan angivelse: år", "år"),
)  # fmt: skip

CODE_COLUMNS = tuple(column for column in COLUMNS if column.field == "services.care_services")

_APART = str.maketrans({"-": " ", "\xad": " ", "_": " ", ".": " ", ",": " ", "\xa0": " ", "*": " ", ":": " "})


def plain(heading: str) -> str:
    """A heading without what does not matter in it: capitals, hyphens, line breaks, a mark for what is required."""
    # No blank is left: a word that is divided at the end of a line is the same word.
    return "".join(heading.casefold().translate(_APART).split())


BY_HEADING: dict[str, Column] = {
    # A field that several columns fill has no path of its own: `services.care_services` is the KVÅ column's.
    **{plain(column.field): column for column in reversed(COLUMNS)},
    **{name: column for column in COLUMNS if column.field == "confidential" for name in NAMES},
    **{plain(column.heading): column for column in COLUMNS},
}
"""Swedish headings and the form's paths, both plain."""
