"""The first three digits of postcodes of the US where 20,000 people or fewer live: they become 000.

45 CFR 164.514(b)(2)(i)(B) with the Census of 2000, as the Department of Health and Human Services lists them in its
guidance on de-identification (2012).
"""

from __future__ import annotations

_LISTED = "036 059 063 102 203 556 692 790 821 823 830 831 878 879 884 890 893"
SMALL = frozenset(_LISTED.split())
