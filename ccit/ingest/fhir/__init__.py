"""FHIR R4 in JSON, from bytes to clinical documents.

| file | holds |
|---|---|
| `resources.py` | the resources of a message, and what a reference in it means |
| `values.py` | data types as a person would read them |
| `status.py` | what a status says of a document: final, amended, withdrawn |
| `people.py` | everybody whom a resource names, by the shape of names, numbers and addresses, wherever they stand |
| `draft.py` | a resource's text and what stands around it; what references in it mean |
| `facts.py` | resources that state one fact each: diagnoses, procedures, medicines, allergies, visits |
| `observations.py` | measurements and findings |
| `texts.py` | documents and reports: attachments, narrative |
| `documents.py` | a message's documents, with everybody whom the message names |
"""
