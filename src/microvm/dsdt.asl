/*
 * What a guest's kernel can't find by itself: its PCI bus and the memory in which it may place the devices'
 * registers (pci.h says the same numbers), its serial port (without this row the port has no interrupt in a
 * machine of reduced ACPI), the number of its generation (vmgenid.h) with the interrupt by which it hears of a new
 * one, and how to power off. dsdt.h is this, compiled:
 *   iasl -p dsdt dsdt.asl && xxd -i
 */
DefinitionBlock ("", "DSDT", 2, "CTR", "MICROVM", 1)
{
	Scope (\_SB)
	{
		Device (PCI0)
		{
			Name (_HID, EisaId ("PNP0A03"))
			Name (_UID, Zero)
			Name (_CRS, ResourceTemplate ()
			{
				WordBusNumber (ResourceProducer, MinFixed, MaxFixed, PosDecode,
					0, 0, 0, 0, 1)
				IO (Decode16, 0x0CF8, 0x0CF8, 0x01, 0x08)
				DWordMemory (ResourceProducer, PosDecode, MinFixed, MaxFixed,
					NonCacheable, ReadWrite,
					0, 0xC0000000, 0xFEBFFFFF, 0, 0x3EC00000)
			})
		}
		Device (COM1)
		{
			Name (_HID, EisaId ("PNP0501"))
			Name (_UID, Zero)
			Name (_STA, 0x0F)
			Name (_CRS, ResourceTemplate ()
			{
				IO (Decode16, 0x03F8, 0x03F8, 0x00, 0x08)
				Interrupt (ResourceConsumer, Edge, ActiveHigh, Exclusive) { 4 }
			})
		}
	}
	Scope (\_SB)
	{
		Device (VGEN)
		{
			Name (_HID, "CTRV0001")
			Name (_CID, "VM_Gen_Counter")
			Name (_DDN, "VM_Gen_Counter")
			Name (ADDR, Package (2) { 0x000EF000, Zero })
		}
		Device (GED)
		{
			Name (_HID, "ACPI0013")
			Name (_UID, Zero)
			Name (_CRS, ResourceTemplate ()
			{
				Interrupt (ResourceConsumer, Edge, ActiveHigh, Exclusive) { 5 }
			})
			Method (_EVT, 1, Serialized)
			{
				If (LEqual (Arg0, 5))
				{
					Notify (\_SB.VGEN, 0x80)
				}
			}
		}
	}
	Name (\_S5, Package () { 0x05 })
}
