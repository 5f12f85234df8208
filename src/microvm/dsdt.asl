/*
 * What a guest's kernel can't find by itself: its serial port (without this row the port has no interrupt
 * in a machine of reduced ACPI), and how to power off. dsdt.h is this, compiled:
 *   iasl -p dsdt dsdt.asl && xxd -i
 */
DefinitionBlock ("", "DSDT", 2, "CTR", "MICROVM", 1)
{
	Scope (\_SB)
	{
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
	Name (\_S5, Package () { 0x05 })
}
