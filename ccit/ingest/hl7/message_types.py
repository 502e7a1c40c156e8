"""The types of HL7 v2 messages, so that a type can be counted and shown: what else stands in MSH-9 may be a name."""

from __future__ import annotations

import re

_TABLE = """
ACK ADR ADT BAR BPS BRP BRT BTS CCF CCI CCM CCQ CCU CQU CRM CSU DFT DOC DSR EAC EAN EAR EDR EHC EQQ ERP ESR ESU INR INU
LSR LSU MCF MDM MFD MFK MFN MFQ MFR NMD NMQ NMR OMB OMD OMG OMI OML OMN OMP OMQ OMS OPL OPR OPU ORA ORB ORD ORF ORG ORI
ORL ORM ORN ORP ORR ORS ORU ORX OSF OSM OSQ OSR OSU OUL PEX PGL PIN PMU PPG PPP PPR PPT PPV PRR PTR QBP QCK QCN QRY QSB
QSX QVR RAR RAS RCI RCL RDE RDR RDS RDY REF RER RGR RGV ROR RPA RPI RPL RPR RQA RQC RQI RQP RQQ RRA RRD RRE RRG RRI RSP
RTB SCN SDN SDR SIU SLN SLR SMD SQM SQR SRM SRR SSR SSU STC STI SUR TBR TCR TCU UDF UDM VTQ VXQ VXR VXU VXX
"""
TYPES = frozenset(_TABLE.split())
"""HL7 table 0076 (message code), of all versions 2.x."""

_EVENT = re.compile(r"[A-Z][0-9]{2}|PC[0-9A-L]")  # as table 0003 writes them


def type_of(code: str, event: str) -> str:
    """What a message may be called: `ORU^R01`, `ACK`; `other` for a type that is in no version.

    >>> type_of("ORU", "R01"), type_of("ACK", ""), type_of("ADT", "Roe"), type_of("Ann Roe", "A01")
    ('ORU^R01', 'ACK', 'ADT', 'other')
    """
    if code not in TYPES:
        return "other"
    return f"{code}^{event}" if _EVENT.fullmatch(event) else code
